import { trace } from "@opentelemetry/api";
import { createCron } from "@quorate/cron";
import { createElection } from "@quorate/election";
import { createIdempotency } from "@quorate/idempotency";
import { createLocks } from "@quorate/lock";
import { memoryBackend } from "@quorate/memory";
import { breaker, bulkhead, retry } from "@quorate/resilience";
import { afterEach, describe, expect, it } from "vitest";

import { World } from "./world.fixture.ts";

let world: World;
afterEach(async () => {
  using _ = world;
  expect(await world.strays()).toEqual([]);
});

const activeSpanId = () => trace.getActiveSpan()?.spanContext().spanId;

describe("locks", () => {
  it("a hold is linked to its wait, both under the span that asked", async () => {
    world = new World();
    const locks = createLocks(memoryBackend());
    await world.within("order", () => locks.run("order/42", async () => {}));
    const acquire = world.span("lock acquire");
    const hold = world.span("lock hold");
    const order = world.span("order").spanContext().spanId;
    expect([acquire, hold].map((span) => span.parentSpanContext?.spanId)).toEqual([order, order]);
    expect(hold.links.map((link) => link.context.spanId)).toEqual([acquire.spanContext().spanId]);
    expect(hold.attributes).toMatchObject({
      "quorate.lock.key": "order/42",
      "quorate.lock.kind": "lock",
      "quorate.outcome": "released",
    });
    expect(acquire.attributes).toMatchObject({ "quorate.outcome": "granted" });
    const kind = { "quorate.lock.kind": "lock" };
    expect(await world.points("lockHeld")).toEqual([{ attributes: kind, value: 0 }]);
    expect(await world.points("lockHold")).toMatchObject([
      { attributes: { ...kind, "quorate.outcome": "released" }, value: 1 },
    ]);
  });

  it("a wait that comes to nothing says why", async () => {
    world = new World();
    const locks = createLocks(memoryBackend());
    await using held = await locks.acquire("a");
    expect(await locks.tryAcquire("a")).toBeUndefined();
    await expect(locks.acquire("a", { waitMs: 5 })).rejects.toThrow("LOCK_TIMEOUT");
    const signal = AbortSignal.timeout(5);
    await expect(locks.acquire("a", { signal })).rejects.toThrow();
    const waits = world.spans("lock acquire").map((span) => span.attributes["quorate.outcome"]);
    expect(waits).toEqual(["granted", "held", "held", "aborted"]);
    expect(await world.points("lockHeld")).toMatchObject([{ value: 1 }]);
    expect(held.key).toBe("a");
  });

  it("a loss fails its hold, and is counted with its reason", async () => {
    world = new World();
    const backend = memoryBackend();
    const locks = createLocks(backend);
    const lock = await locks.acquire("a", { ttlMs: 100, maxHoldMs: 20 });
    await new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
    await lock.release().catch(() => {});
    const hold = world.span("lock hold");
    expect(hold.attributes).toMatchObject({ "error.type": "LOCK_LOST", "quorate.outcome": "lost" });
    expect(await world.points("lockLost")).toMatchObject([{ value: 1 }]);
    expect(await world.points("lockHeld")).toMatchObject([{ value: 0 }]);
    const incidents = await world.points("incidents");
    expect(incidents.map(({ attributes }) => attributes["quorate.channel"])).toContain("lock.lost");
  });

  it.each([
    ["plain", `order/secret-card/${"x".repeat(110)}`],
    ["hash", ""],
    ["omit", undefined],
  ] as const)("keys are %s, and on no metric", async (keys, shown) => {
    world = new World({ keys });
    const key = `order/secret-card/${"x".repeat(120)}/y`;
    await createLocks(memoryBackend()).run(key, async () => {});
    const seen = world.span("lock hold").attributes["quorate.lock.key"];
    if (keys === "hash") expect(seen).toMatch(/^[0-9a-f]{16}$/);
    else expect(seen).toBe(shown);
    const all = JSON.stringify([...(await world.allPoints())]);
    expect(all).not.toMatch(/secret/);
    if (keys !== "plain") expect(JSON.stringify(world.spans().map(plain))).not.toMatch(/secret/);
  });
});

it("a term is a trace of its own, with who leads as a metric", async () => {
  world = new World();
  const election = createElection(memoryBackend(), "reconciler", { candidate: "pod-7" });
  const during = await world.within("start", () =>
    election.lead(async () => (await world.points("leader"))[0]?.value),
  );
  expect(during).toBe(1);
  await election.close();
  const term = world.span("election reconciler");
  expect(term.parentSpanContext).toBeUndefined();
  expect(term.attributes["quorate.election.term"]).toBeGreaterThan(0);
  expect(await world.points("leader")).toEqual([
    { attributes: { "quorate.election.name": "reconciler" }, value: 0 },
  ]);
  expect(await world.points("term")).toMatchObject([{ value: 1 }]);
});

it("a job's handler runs within its span, which is a trace of its own", async () => {
  world = new World();
  const cron = createCron(memoryBackend(), { name: "pod-7" });
  const ran: (string | undefined)[] = [];
  cron.schedule("nightly", "0 3 * * *", async () => {
    await Promise.resolve();
    ran.push(activeSpanId());
  });
  cron.schedule("broken", "0 3 * * *", () => {
    throw new RangeError("with the customer's name");
  });
  await world.within("operator", () => cron.trigger("nightly", { id: "1" }));
  await cron.trigger("broken", { id: "1" });
  await cron.close();
  const nightly = world.span("cron nightly");
  expect(ran).toEqual([nightly.spanContext().spanId]);
  expect(nightly.parentSpanContext).toBeUndefined();
  const { attributes, status } = world.span("cron broken");
  expect([attributes["error.type"], status]).toEqual(["RangeError", { code: 2 }]);
  const runs = await world.points("cronRun");
  expect(runs.map(({ attributes: of }) => [of["quorate.cron.job"], of["quorate.outcome"]])).toEqual(
    expect.arrayContaining([
      ["nightly", "done"],
      ["broken", "failed"],
    ]),
  );
  expect((await world.points("cronLate")).length).toBe(2);
});

it("a run under a key is a span, a repeat an event on whatever span asked", async () => {
  world = new World();
  const once = createIdempotency(memoryBackend());
  await once.run("charge/1", () => 17);
  await world.within("repeat", () => once.run("charge/1", () => 18));
  await once.run("charge/1", () => 18, { fingerprint: 1 }).catch(() => {});
  expect(world.span("idempotency run").attributes).toMatchObject({
    "quorate.idempotency.key": "charge/1",
    "quorate.outcome": "answered",
  });
  expect(world.span("repeat").events.map(({ name }) => name)).toEqual([
    "quorate.idempotency.replayed",
  ]);
  const counts = await world.points("idempotency");
  expect(counts.map((point) => [point.attributes["quorate.outcome"], point.value])).toEqual([
    ["answered", 1],
    ["replayed", 1],
    ["mismatch", 1],
  ]);
});

describe("what is kept away from a dependency", () => {
  it("breakers: how many are open now, transitions and rejections", async () => {
    world = new World();
    const policy = breaker({ name: "billing" });
    const isolation = policy.isolate();
    await expect(policy.run(async () => {})).rejects.toThrow("BREAKER_OPEN");
    const of = { "quorate.breaker.name": "billing" };
    expect(await world.points("breakerOpen")).toEqual([{ attributes: of, value: 1 }]);
    expect(await world.points("breakerTransitions")).toMatchObject([
      { attributes: { ...of, "quorate.breaker.state": "isolated" }, value: 1 },
    ]);
    const [rejected] = await world.points("breakerRejections");
    expect(rejected).toMatchObject({
      attributes: { ...of, "quorate.breaker.state": "isolated" },
      value: 1,
    });
    isolation[Symbol.dispose]();
    expect(await world.points("breakerOpen")).toEqual([{ attributes: of, value: 0 }]);
  });

  it("retries are counted, and stand on the span that was active", async () => {
    world = new World();
    const policy = retry({ name: "billing", attempts: 3, backoff: () => 0 });
    let tries = 0;
    await world.within("call", () =>
      policy.run(
        async () => {
          tries += 1;
          if (tries < 3) throw new Error("with a password in it");
        },
        { repeat: "safe" },
      ),
    );
    expect(await world.points("retryAttempts")).toMatchObject([{ value: 2 }]);
    const { events } = world.span("call");
    expect(events.map(({ name }) => name)).toEqual([
      "quorate.retry.retrying",
      "quorate.retry.retrying",
    ]);
    expect(JSON.stringify(events)).not.toMatch(/password/);
  });

  it("limits count what they refuse, by kind and name", async () => {
    world = new World();
    const policy = bulkhead({ name: "billing", max: 1 });
    let free = (): void => {};
    const first = policy.run(() => new Promise<void>((resolve) => (free = resolve)));
    await expect(policy.run(async () => {})).rejects.toThrow("BULKHEAD_FULL");
    free();
    await first;
    expect(await world.points("limitRejections")).toMatchObject([
      {
        attributes: { "quorate.limit.kind": "bulkhead", "quorate.limit.name": "billing" },
        value: 1,
      },
    ]);
  });
});

it("names beyond the bound are one", async () => {
  world = new World({ maxNames: 2 });
  for (let n = 0; n < 5; n++) {
    const policy = bulkhead({ name: `b${n}`, max: 1 });
    const first = policy.run(() => new Promise<void>((resolve) => setImmediate(resolve)));
    await policy.run(async () => {}).catch(() => {});
    await first;
  }
  const points = await world.points("limitRejections");
  const counts = points.map((one) => [one.attributes["quorate.limit.name"], one.value]);
  expect(counts).toEqual([
    ["b0", 1],
    ["b1", 1],
    ["_OTHER", 3],
  ]);
});

function plain({ attributes, events, name }: ReturnType<World["span"]>): unknown {
  return { attributes, events, name };
}
