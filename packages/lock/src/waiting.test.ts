import { getEventListeners } from "node:events";

import { describe, expect, it } from "vitest";
import { World } from "./world.fixture.ts";

describe("waiting in line", () => {
  it("is served in order of arrival, over processes", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const order: string[] = [];
    const holder = await one.locks.acquire("a");
    const claims = ["1", "2", "3", "4"].map(async (name, index) => {
      const { locks } = index % 2 === 0 ? two : one;
      await locks.run("a", () => void order.push(name));
    });
    await world.runtime.advance(100);
    expect((await one.locks.inspect("a")).waiters).toHaveLength(4);
    await holder.release();
    await world.runtime.advance(100);
    await Promise.all(claims);
    expect(order).toEqual(["1", "2", "3", "4"]);
  });

  it("gets tokens that only grow, over expiry, flush and restart", async () => {
    const world = new World();
    const { locks } = world.process({ ttlMs: 1_000, waitMs: 5_000 });
    const tokens: number[] = [];
    for (const between of [
      () => Promise.resolve(),
      async () => world.store.flush(),
      async () => world.store.restart(),
      () => world.runtime.advance(2_000),
    ]) {
      const acquiring = locks.acquire("a", { renew: false });
      await world.runtime.advance(10);
      tokens.push((await acquiring).fencingToken);
      await between();
      await world.runtime.advance(2_000);
    }
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b));
  });

  it("ends by LOCK_TIMEOUT that says who holds, and leaves nothing in the store", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    await one.locks.acquire("a", { label: "night job" });
    const waits = Array.from({ length: 1_000 }, () => two.locks.acquire("a", { waitMs: 500 }));
    const ends = Promise.allSettled(waits);
    await world.runtime.advance(1_000);
    for (const end of await ends) {
      expect(end).toMatchObject({ status: "rejected", reason: { code: "LOCK_TIMEOUT" } });
    }
    await expect(waits[0]).rejects.toThrow('"night job"');
    expect((await one.locks.inspect("a")).waiters).toEqual([]);
    await one.locks.close();
    await world.runtime.advance(60_000);
    expect(world.store.stats).toMatchObject({ keys: 0, leases: 0 });
    expect(world.runtime.pendingTimers).toBe(0);
  });

  it("is left by an abort before, during and in the instant of the grant", async () => {
    for (const abortAtMs of [0, 50, 99, 100, 101]) {
      const world = new World();
      const [one, two] = [world.process(), world.process()];
      const holder = await one.locks.acquire("a");
      const controller = new AbortController();
      const { signal } = controller;
      two.backend.faults.delay(2);
      world.runtime.time.setTimer(100, () => void holder.release());
      world.runtime.time.setTimer(abortAtMs, () => controller.abort(new Error("enough")));
      const outcome = two.locks.acquire("a", { signal }).then(
        (lock) => lock,
        (error: Error) => error.message,
      );
      await world.runtime.advance(1_000);
      const lock = await outcome;
      if (typeof lock === "string") expect(lock).toBe("enough");
      else await lock.release();
      await world.runtime.advance(1_000);
      // Free again, whatever the race came to.
      expect(await one.locks.tryAcquire("a"), `abort at ${abortAtMs}`).toBeDefined();
    }
  });

  it("takes its listeners off a signal that lives long", async () => {
    const world = new World();
    const { locks } = world.process();
    const { signal } = new AbortController();
    await locks.run("a", () => 1, { signal });
    const lock = await locks.acquire("a", { signal });
    const waiting = locks.acquire("a", { signal, waitMs: 100 });
    waiting.catch(() => {});
    await world.runtime.advance(200);
    await lock.release();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("goes on in order when a waiter gives up", async () => {
    const world = new World();
    const { locks } = world.process();
    const holder = await locks.acquire("a");
    const controller = new AbortController();
    const first = locks.acquire("a", { signal: controller.signal });
    const second = locks.acquire("a");
    await world.settle();
    controller.abort(new Error("enough"));
    await expect(first).rejects.toThrow("enough");
    await holder.release();
    expect((await second).remainingMs).toBeGreaterThan(0);
  });

  it("is not needed for tryAcquire, which says undefined at once", async () => {
    const world = new World();
    const { locks } = world.process();
    const holder = await locks.tryAcquire("a");
    expect(holder).toBeDefined();
    expect(await locks.tryAcquire("a")).toBeUndefined();
    await holder?.release();
    expect(await locks.tryAcquire("a")).toBeDefined();
  });

  it("outlasts a claim whose reply was lost: the holder is found within one exchange", async () => {
    const world = new World();
    const { backend, locks } = world.process();
    backend.faults.dropNextReply();
    const startedMs = world.runtime.time.monotonicMs();
    const acquiring = locks.acquire("a");
    void acquiring.then(() => (waitedMs = world.runtime.time.monotonicMs() - startedMs));
    let waitedMs = Infinity;
    await world.runtime.advance(1_000);
    const lock = await acquiring;
    expect(waitedMs).toBeLessThanOrEqual(100);
    expect((await locks.inspect("a")).holders).toHaveLength(1);
    expect(await lock.release()).toBe("released");
  });

  it("is idempotent in release: a repeated one does not touch the next holder", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const first = await one.locks.acquire("a");
    const waiting = two.locks.acquire("a");
    await world.settle();
    one.backend.faults.dropNextReply();
    const released = first.release();
    await world.runtime.advance(1_000);
    await released;
    const second = await waiting;
    await world.runtime.advance(1_000);
    expect(second.check()).toBeGreaterThan(first.fencingToken);
    expect((await two.locks.inspect("a")).holders).toHaveLength(1);
  });

  it("is not jumped by a renewal: what the store forgot stays forgotten", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const forgotten = await one.locks.acquire("a");
    const { signal } = forgotten;
    world.store.flush();
    const next = await two.locks.acquire("a");
    await world.runtime.advance(20_000);
    expect(signal.reason).toMatchObject({ details: { reason: "superseded" } });
    expect((await two.locks.inspect("a")).holders.map((holder) => holder.fencingToken)).toEqual([
      next.check(),
    ]);
    world.store.flush();
    await world.runtime.advance(20_000);
    expect((await two.locks.inspect("a")).holders).toEqual([]);
  });

  it("answers expired to the release of an expired lock; the next holder's is intact", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const first = await one.locks.acquire("a");
    one.pause();
    const waiting = two.locks.acquire("a");
    await world.runtime.advance(11_000);
    const second = await waiting;
    one.resume();
    expect(() => first.check()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
    expect(await first.release()).toBe("expired");
    await world.runtime.advance(20_000);
    expect(second.check()).toBeGreaterThan(first.fencingToken);
  });
});
