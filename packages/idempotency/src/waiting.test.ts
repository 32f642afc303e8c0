import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { World } from "./world.fixture.ts";

/** A run of one process, and another process that may wait for it. */
async function runningElsewhere() {
  const world = new World();
  const [one, two] = [world.process(), world.process()];
  let end = (_value: string): void => {};
  const running = one.idempotency.run("k", () => new Promise<string>((done) => (end = done)));
  await world.settle();
  return { world, one, two, running, end: (value: string): void => end(value) };
}

describe("a repeat that waits", () => {
  it("is given the answer as soon as it is there, without asking again", async () => {
    const { world, two, running, end } = await runningElsewhere();
    const waits = two.idempotency.runDetailed("k", () => expect.fail("it ran"));
    await world.runtime.advance(500);
    end("done");
    await world.runtime.advance(10);
    expect(await running).toBe("done");
    expect(await waits).toMatchObject({ value: "done", replayed: true });
    expect(two.calls.made).toEqual(["put"]);
  });

  it("joins a run of its own process without asking the store", async () => {
    const { world, one, running, end } = await runningElsewhere();
    const waits = one.idempotency.run("k", () => expect.fail("it ran"));
    end("done");
    expect(await Promise.all([running, waits])).toEqual(["done", "done"]);
    expect(one.calls.made).toEqual(["put", "put"]);
    expect(world.events("replayed")).toEqual([{ key: "k", scope: undefined, from: "joined" }]);
  });

  it("runs itself where the run ends without an answer", async () => {
    for (const which of ["one", "two"] as const) {
      const world = new World();
      const processes = { one: world.process(), two: world.process() };
      const failing = processes.one.idempotency.run("k", async () => {
        await world.work(500);
        throw new Error("boom");
      });
      await world.settle();
      const waits = processes[which].idempotency.run("k", ({ attempt }) => attempt);
      const outcome = await world.outcome(Promise.allSettled([failing, waits]));
      expect(outcome).toMatchObject({
        value: [{ status: "rejected" }, { status: "fulfilled", value: 2 }],
      });
      expect(world.runtime.time.monotonicMs()).toBeLessThan(1_000);
    }
  });

  it("gives up after waitMs, and says when to come back", async () => {
    const { world, one, two, running, end } = await runningElsewhere();
    for (const { idempotency } of [one, two]) {
      const startMs = world.runtime.time.monotonicMs();
      const asked = idempotency.run("k", () => expect.fail("it ran"), { waitMs: 700 });
      const outcome = await world.outcome(asked);
      expect(world.runtime.time.monotonicMs() - startMs).toBe(700);
      expect(outcome).toMatchObject({
        kind: "error",
        error: { code: "IDEMPOTENCY_IN_FLIGHT", details: { retryAfterMs: 1_000 } },
      });
    }
    end("done");
    await running;
  });

  it("ends by its own signal, and nobody else's wait ends with it", async () => {
    const { world, one, two, running, end } = await runningElsewhere();
    const controller = new AbortController();
    const { signal } = controller;
    const ended = [one, two].map(({ idempotency }) => idempotency.run("k", () => "", { signal }));
    const stays = [one, two].map(({ idempotency }) => idempotency.run("k", () => ""));
    const settled = Promise.allSettled(ended);
    await world.runtime.advance(100);
    controller.abort(new Error("gone"));
    for (const one of await settled) {
      expect(one).toMatchObject({ status: "rejected", reason: { message: "gone" } });
    }
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    end("done");
    await world.runtime.advance(100);
    expect(await Promise.all([running, ...stays])).toEqual(["done", "done", "done"]);
  });

  it("is one of at most maxWaiting", async () => {
    const world = new World();
    const { idempotency } = world.process({ maxWaiting: 3 });
    const running = idempotency.run("k", () => world.work(100));
    await world.settle();
    const waits = Array.from({ length: 5 }, () => idempotency.run("k", () => {}));
    const settled = Promise.allSettled(waits);
    await world.runtime.advance(100);
    await running;
    const rejected = (await settled).filter(({ status }) => status === "rejected");
    expect(rejected).toHaveLength(2);
    expect(rejected).toMatchObject([
      { reason: { code: "IDEMPOTENCY_IN_FLIGHT" } },
      { reason: { code: "IDEMPOTENCY_IN_FLIGHT" } },
    ]);
  });

  it("hears of the answer by looking where its watch is dead", async () => {
    const { world, two, running, end } = await runningElsewhere();
    const waits = two.idempotency.run("k", () => expect.fail("it ran"));
    await world.runtime.advance(100);
    two.backend.faults.cut();
    end("done");
    await world.runtime.advance(100);
    await running;
    two.backend.faults.restore();
    expect(await world.outcome(waits)).toEqual({ kind: "value", value: "done" });
  });

  it("leaves no timer, no watch and no listener behind", async () => {
    const { world, one, two, running, end } = await runningElsewhere();
    const { signal } = new AbortController();
    const calls = [one, two, one, two].map(({ idempotency }) =>
      idempotency.run("k", () => "", { signal, waitMs: Infinity }),
    );
    await world.runtime.advance(10_000);
    end("done");
    await world.runtime.advance(100);
    await Promise.all([running, ...calls]);
    await Promise.all([one, two].map(({ idempotency }) => idempotency.close()));
    await Promise.all([one, two].map(({ backend }) => backend.close()));
    await world.runtime.advance(100_000_000);
    expect(world.runtime.pendingTimers).toBe(0);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("closing", () => {
  it("ends waits and refuses calls, and lets running work store its answer", async () => {
    const { world, one, two, running, end } = await runningElsewhere();
    const joined = one.idempotency.run("k", () => "").catch((error: unknown) => error);
    const waits = two.idempotency.run("k", () => "").catch((error: unknown) => error);
    await world.runtime.advance(10);
    const closed = one.idempotency.close({ graceMs: 500 });
    await two.idempotency.close();
    for (const ended of [joined, waits]) expect(await ended).toMatchObject({ code: "CLOSED" });
    await expect(one.idempotency.run("other", () => "")).rejects.toThrow("CLOSED");
    await expect(one.idempotency.peek("k")).rejects.toThrow("CLOSED");
    await world.runtime.advance(500);
    await closed;
    end("done");
    await world.settle();
    expect(await running).toBe("done");
    const { idempotency } = world.process();
    expect(await idempotency.run("k", () => "")).toBe("done");
  });

  it("waits for running work, and twice is fine", async () => {
    const world = new World();
    const { idempotency } = world.process();
    const running = idempotency.run("k", () => world.work(300));
    await world.settle();
    const closed = Promise.all([idempotency.close(), idempotency.close()]);
    await world.runtime.advance(300);
    await Promise.all([running, closed]);
    expect(world.runtime.time.monotonicMs()).toBe(300);
  });
});
