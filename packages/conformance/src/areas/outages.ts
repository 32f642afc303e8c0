/**
 * Outages: the link or the server is gone for a while (cases 55 to 57 of the plan).
 */
import { strict as assert } from "node:assert";
import { type Backend, isQuorateError, sleep, systemRuntime } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { insist } from "../insist.ts";
import { assertError, bytes, claim, mustAcquire, mustPut, text } from "../kit.ts";

const CUT = ["cutLink", "restoreLink"] as const;
const KILL = ["killServer", "restartServer"] as const;

export const outages: Area = {
  name: "outages",
  cases: [
    {
      name: "55 while the link is down calls fail with effect none, and nothing lands later",
      needs: CUT,
      run: whileDown,
    },
    { name: "56 serves again after an outage", needs: CUT, run: afterOutage },
    { name: "57 no write is invented by a server's death", needs: KILL, run: throughDeath },
    {
      name: "57b acknowledged writes survive a failover, where that is promised",
      needs: ["failover"],
      run: throughFailover,
    },
    { name: "the server's death settles every call", needs: KILL, run: deathSettles },
    { name: "health tells a dead link as an answer", needs: CUT, run: healthWhenDown },
  ],
};

async function whileDown(t: CaseContext): Promise<void> {
  const [backend, observer] = [await t.open(), await t.open()];
  const grant = await mustAcquire(backend, t.key("lease"), claim(backend, 60_000));
  await t.fault("cutLink")(backend);
  // The first call may have been on its way when the link died.
  const first = backend.kv.put(t.key("first"), "x", { timeoutMs: 500 });
  assertError(await t.rejection("the first put", first), ["STORE_UNAVAILABLE", "OUTCOME_UNKNOWN"]);
  const calls: Record<string, Promise<unknown>> = {
    get: backend.kv.get(t.key(), { timeoutMs: 500 }),
    put: backend.kv.put(t.key("put"), "x", { timeoutMs: 500 }),
    delete: backend.kv.delete(t.key("put"), { timeoutMs: 500 }),
    acquire: backend.leases.acquire(t.key("other"), claim(backend, 60_000, { timeoutMs: 500 })),
    renew: backend.leases.renew([grant], { timeoutMs: 500 }),
    release: backend.leases.release(grant, { timeoutMs: 500 }),
    inspect: backend.leases.inspect(t.key("lease"), { timeoutMs: 500 }),
    publish: backend.bus.publish(t.key("s"), bytes("x")),
  };
  for (const call of Object.values(calls)) call.catch(() => {});
  for (const [what, call] of Object.entries(calls)) {
    const error = await t.rejection(what, call, 5_000);
    assertError(error, ["STORE_UNAVAILABLE", "TIMEOUT"], "none");
  }
  await t.fault("restoreLink")(backend);
  await insist(t, "a get after the outage", () => backend.kv.get(t.key()));
  await t.pass(200);
  assert.equal(await observer.kv.get(t.key("put")), undefined, "a refused put landed later");
  assert.deepEqual((await observer.leases.inspect(t.key("other"))).holders, []);
  const { holders } = await observer.leases.inspect(t.key("lease"));
  assert.equal(holders.length, 1, "a refused release took effect later");
}

async function afterOutage(t: CaseContext): Promise<void> {
  const backend = await t.open();
  let seen = 0;
  await backend.bus.subscribe(t.key("s"), () => void (seen += 1));
  await t.fault("cutLink")(backend);
  await t.pass(700);
  await t.fault("restoreLink")(backend);
  const put = await insist(t, "a put", () => backend.kv.put(t.key(), "after"));
  assert(put.ok);
  await insist(t, "an acquire", () => backend.leases.acquire(t.key(), claim(backend, 1_000)));
  const hears = async (): Promise<boolean> => {
    await backend.bus.publish(t.key("s"), bytes("m")).catch(() => {});
    return seen > 0;
  };
  await t.until("the subscription is back", hears, 15_000);
}

/** A counter by compare-and-set that goes on through trouble. */
class Counting {
  acknowledged = 0;
  tried = 0;
  readonly #backend: Backend;
  readonly #key: string;
  #isRunning = true;

  constructor(backend: Backend, key: string) {
    this.#backend = backend;
    this.#key = key;
  }

  stop(): void {
    this.#isRunning = false;
  }

  async final(): Promise<number> {
    return Number(text((await this.#backend.kv.get(this.#key))?.value) ?? 0);
  }

  async run(): Promise<void> {
    const { kv } = this.#backend;
    while (this.#isRunning && this.tried < 20_000) {
      const found = await kv.get(this.#key, { timeoutMs: 300 }).then(
        (entry) => ({ entry }),
        () => undefined,
      );
      this.tried += 1;
      if (found !== undefined) {
        const next = `${Number(text(found.entry?.value) ?? 0) + 1}`;
        const expect = found.entry?.revision ?? "absent";
        const put = kv.put(this.#key, next, { expect, timeoutMs: 300 });
        const result = await put.catch(() => undefined);
        if (result?.ok === true) this.acknowledged += 1;
      }
      // A loop of answers that come at once would lock up the process.
      await sleep(systemRuntime, 0);
    }
  }
}

/** More increments than were ever tried would be invented ones. */
async function throughDeath(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await mustPut(backend, t.key(), "0");
  const counting = new Counting(backend, t.key());
  const work = counting.run();
  await t.pass(50);
  await t.fault("killServer")();
  await t.pass(100);
  await t.fault("restartServer")();
  await insist(t, "a put after the death", () => backend.kv.put(t.key("probe"), "x"));
  await t.pass(50);
  counting.stop();
  await t.settle("the worker", work, 10_000);
  const final = await counting.final();
  assert(counting.acknowledged > 0, "increments were acknowledged before and after");
  assert(final <= counting.tried, `${final} is more than was ever tried`);
}

async function throughFailover(t: CaseContext): Promise<void> {
  const backend = await t.open();
  t.gate(backend.capabilities.writes === "quorum", "writes do not promise to survive a failover");
  await mustPut(backend, t.key(), "0");
  const counting = new Counting(backend, t.key());
  const work = counting.run();
  await t.pass(300);
  await t.fault("failover")();
  await insist(t, "a put after the failover", () => backend.kv.put(t.key("probe"), "x"));
  await t.pass(300);
  counting.stop();
  await t.settle("the worker", work, 20_000);
  const final = await counting.final();
  const { acknowledged, tried } = counting;
  assert(acknowledged > 0);
  assert(final >= acknowledged, `${acknowledged} were acknowledged, ${final} survive`);
  assert(final <= tried, `${final} is more than was ever tried`);
}

async function deathSettles(t: CaseContext): Promise<void> {
  const backend = await t.open();
  await mustAcquire(backend, t.key(), claim(backend, 60_000));
  const waiting = backend.leases.acquire(t.key(), claim(backend, 60_000, { waitMs: 1_000 }));
  const request = subscribeSilently(t, backend).then(() =>
    backend.bus.request(t.key("s"), bytes("?"), { timeoutMs: 1_000 }),
  );
  for (const call of [waiting, request]) call.catch(() => {});
  await t.pass(20);
  await t.fault("killServer")();
  try {
    const calls = [
      backend.kv.put(t.key(), "x", { timeoutMs: 500 }),
      backend.kv.get(t.key(), { timeoutMs: 500 }),
      backend.leases.renew([await lateGrant(backend, t)], { timeoutMs: 500 }),
      waiting,
      request,
    ];
    const settled = await t.settle("every call", Promise.allSettled(calls), 10_000);
    for (const result of settled) {
      if (result.status === "rejected")
        assert(isQuorateError(result.reason), String(result.reason));
    }
  } finally {
    await t.fault("restartServer")();
  }
  await insist(t, "a put after the death", () => backend.kv.put(t.key(), "x"));
}

async function subscribeSilently(t: CaseContext, backend: Backend): Promise<void> {
  await backend.bus.subscribe(t.key("s"), () => {});
}

async function lateGrant(backend: Backend, t: CaseContext) {
  const nowMs = backend.runtime.time.monotonicMs();
  const facts = { name: t.key("late"), owner: "late", fencingToken: 1, weight: 1, ttlMs: 60_000 };
  const validUntilMs = nowMs + 60_000;
  return { granted: true, ...facts, validUntilMs, validUntilWallMs: validUntilMs } as const;
}

async function healthWhenDown(t: CaseContext): Promise<void> {
  const backend = await t.open();
  assert.equal((await backend.health()).ok, true);
  await t.fault("cutLink")(backend);
  const health = await t.settle("health", backend.health({ timeoutMs: 500 }), 5_000);
  assert.equal(health.ok, false);
  assert(health.warnings.length > 0);
  await t.fault("restoreLink")(backend);
  await t.until(
    "healthy again",
    async () => {
      return (await t.settle("health", backend.health({ timeoutMs: 500 }))).ok;
    },
    15_000,
  );
}
