import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { World } from "./world.fixture.ts";

describe("a semaphore", () => {
  it("lets in as many as it has permits, each with a token of its own", async () => {
    const world = new World();
    const permits = world.process().locks.semaphore("s", { permits: 3 });
    const held = await Promise.all([permits.acquire(), permits.acquire(), permits.acquire()]);
    expect(new Set(held.map(({ fencingToken }) => fencingToken)).size).toBe(3);
    expect(held.every(({ exclusive }) => !exclusive)).toBe(true);
    expect(await permits.tryAcquire()).toBeUndefined();
    await held[1].release();
    expect(await permits.tryAcquire()).toBeDefined();
  });

  it("takes all of a weight or none, and does not starve the heavy", async () => {
    const world = new World();
    const permits = world.process().locks.semaphore("s", { permits: 3 });
    const first = await permits.acquire({ weight: 2 });
    const heavy = permits.acquire({ weight: 3 });
    await world.settle();
    const light = permits.acquire();
    await world.settle();
    let lightCame = false;
    void light.then(() => (lightCame = true));
    await world.settle();
    expect(lightCame).toBe(false);
    await first.release();
    const got = await heavy;
    expect(got).toMatchObject({ weight: 3, exclusive: true });
    await got.release();
    await (await light).release();
    expect((await permits.inspect()).holders).toEqual([]);
  });

  it("gets the permits of a dead process back after their TTL, by the store's clock", async () => {
    const world = new World();
    const [dead, alive] = [world.process(), world.process()];
    await dead.locks.semaphore("s", { permits: 1 }).acquire();
    dead.pause();
    dead.backend.faults.cut();
    const permits = alive.locks.semaphore("s", { permits: 1 });
    const waiting = permits.acquire();
    await world.runtime.advance(9_900);
    expect(await permits.tryAcquire()).toBeUndefined();
    await world.runtime.advance(200);
    expect((await waiting).remainingMs).toBeGreaterThan(0);
  });

  it("may change its size in a rollout: more lets more in, fewer revokes nothing", async () => {
    const { locks } = new World().process();
    const [two, three] = [2, 3].map((permits) => locks.semaphore("s", { permits }));
    const held = [await two?.acquire(), await two?.acquire()];
    expect(await two?.tryAcquire()).toBeUndefined();
    const third = await three?.tryAcquire();
    expect(third).toBeDefined();
    expect(await three?.tryAcquire()).toBeUndefined();
    await held[0]?.release();
    expect(await two?.tryAcquire()).toBeUndefined(); // Two are out still, all that it allows.
    expect(held[1]?.remainingMs).toBeGreaterThan(0);
  });

  it("gives nothing to a process whose wall clock is ahead", async () => {
    const world = new World();
    const permits = world.process().locks.semaphore("s", { permits: 1 });
    await permits.acquire();
    world.runtime.stepWallClock(10_000);
    expect(await world.process().locks.semaphore("s", { permits: 1 }).tryAcquire()).toBeUndefined();
  });

  it.each([1, 2, 3])(
    "never hands out more than it has, whatever the weights, seed %i",
    async (seed) => {
      const world = new World(seed);
      const random = seededRandom(seed);
      const processes = [world.process(), world.process(), world.process()];
      let out = 0;
      let most = 0;
      const work = processes.flatMap(({ locks }) => {
        const permits = locks.semaphore("s", { permits: 5 });
        return Array.from({ length: 40 }, () => {
          const weight = 1 + Math.floor(random.next() * 5);
          return permits.run(
            async () => {
              out += weight;
              most = Math.max(most, out);
              const ms = 1 + random.next() * 20;
              await new Promise<void>((resolve) => void world.runtime.time.setTimer(ms, resolve));
              out -= weight;
            },
            { weight },
          );
        });
      });
      await world.runtime.advance(5_000);
      await Promise.all(work);
      expect(most).toBeLessThanOrEqual(5);
      expect(most).toBeGreaterThanOrEqual(4);
    },
  );

  it.each([
    [{ permits: 0 }, {}],
    [{ permits: 1.5 }, {}],
    [{}, {}],
    [undefined, {}],
    [{ permits: 2 }, { weight: 3 }],
    [{ permits: 2 }, { weight: 0 }],
  ])("refuses %o with %o", async (options, claim) => {
    const { locks } = new World().process();
    const asking = async (): Promise<unknown> =>
      locks.semaphore("s", options as never).acquire(claim);
    await expect(asking()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
