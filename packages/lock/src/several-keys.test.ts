import { describe, expect, it } from "vitest";
import { World } from "./world.fixture.ts";

describe("several keys", () => {
  it("are taken in one order, each once, and have a token each", async () => {
    const world = new World();
    const { locks } = world.process();
    const set = await locks.acquire(["b", "a", "b", "Ä"]);
    expect(set.keys).toEqual(["a", "b", "Ä"]);
    expect(set.check()).toEqual(set.locks.map((lock) => lock.fencingToken));
    expect(set.get("b").key).toBe("b");
    expect(() => set.get("c")).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    expect(set.safety).toBe("lease");
    expect(await set.ensure(1_000)).toHaveLength(3);
    expect(await set.release()).toBe("released");
    expect(await locks.tryAcquire(["a", "b", "Ä"])).toBeDefined();
  });

  it("do not deadlock when two ask in opposite order", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const pause = (): Promise<void> =>
      new Promise((resolve) => void world.runtime.time.setTimer(10, resolve));
    const transfers = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0
        ? one.locks.run(["acc/1", "acc/2"], pause)
        : two.locks.run(["acc/2", "acc/1"], pause),
    );
    await world.runtime.advance(1_000);
    const ends = await Promise.allSettled(transfers);
    expect(ends.map(({ status }) => status)).toEqual(ends.map(() => "fulfilled"));
  });

  it("are all given back when one is not to be had", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    await one.locks.acquire("b");
    const acquiring = two.locks.acquire(["a", "b", "c"], { waitMs: 100 });
    acquiring.catch(() => {});
    await world.runtime.advance(200);
    await expect(acquiring).rejects.toMatchObject({
      code: "LOCK_TIMEOUT",
      details: { key: "b", waitMs: 100 },
    });
    expect(await two.locks.tryAcquire(["a", "b", "c"])).toBeUndefined();
    await world.settle();
    expect(await two.locks.tryAcquire(["a", "c"])).toBeDefined();
  });

  it("share one waitMs", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const first = await one.locks.acquire("a");
    await one.locks.acquire("b");
    const acquiring = two.locks.acquire(["a", "b"], { waitMs: 1_000 });
    let endedMs: number | undefined;
    acquiring.catch(() => (endedMs = world.runtime.time.monotonicMs()));
    await world.runtime.advance(600);
    await first.release();
    await world.runtime.advance(2_000);
    expect(endedMs).toBe(1_000);
  });

  it("are lost together when one is lost, and the signal says which", async () => {
    const world = new World();
    const { backend, locks } = world.process();
    const set = await locks.acquire(["a", "b"]);
    const { signal } = set;
    const [holder] = (await backend.leases.inspect("lock/b")).holders;
    await backend.leases.release({ name: "lock/b", owner: holder!.owner });
    await world.runtime.advance(5_000);
    expect(signal.reason).toMatchObject({ code: "LOCK_LOST", details: { key: "b" } });
    expect(set.remainingMs).toBe(0);
    expect(() => set.check()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
    expect(await set.release()).toBe("expired");
  });

  it("make run reject when one was lost under the work", async () => {
    const world = new World();
    const { backend, locks } = world.process();
    const running = locks.run(["a", "b"], async () => {
      const [holder] = (await backend.leases.inspect("lock/b")).holders;
      await backend.leases.release({ name: "lock/b", owner: holder!.owner });
      return "done";
    });
    await expect(running).rejects.toMatchObject({
      code: "LOCK_LOST",
      effect: "applied",
      details: { key: "b", reason: "superseded" },
    });
    expect(await locks.tryAcquire(["a", "b"])).toBeDefined();
  });
});
