import type { QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { createLocks } from "./locks.ts";
import { mute, noAnswer, ScriptedLeases, unavailable } from "./scripted-leases.fixture.ts";

function world(): { leases: ScriptedLeases; locks: ReturnType<typeof createLocks> } {
  const leases = new ScriptedLeases();
  return { leases, locks: createLocks(leases.backend, { ttlMs: 10_000 }) };
}

describe("a claim", () => {
  it("asks again with the same owner when there was no answer, and gets its grant", async () => {
    const { leases, locks } = world();
    leases.claims.push(() => Promise.reject(noAnswer("leases.acquire")));
    const acquiring = locks.acquire("a");
    await leases.runtime.advance(1_000);
    const lock = await acquiring;
    const [first, second] = leases.acquired.map(({ request }) => request.owner);
    expect(second).toBe(first);
    expect(lock.check()).toBeGreaterThan(0);
    expect(leases.released).toEqual([]);
  });

  it("stays in doubt while the store is away, and gives back what may hold", async () => {
    const { leases, locks } = world();
    leases.claims.push(() => Promise.reject(noAnswer("leases.acquire")));
    for (let i = 0; i < 50; i++) {
      leases.claims.push(() => Promise.reject(unavailable("leases.acquire")));
    }
    const acquiring = locks.acquire("a", { waitMs: 3_000 });
    acquiring.catch(() => {});
    await leases.runtime.advance(4_000);
    await expect(acquiring).rejects.toMatchObject({
      code: "OUTCOME_UNKNOWN",
      effect: "unknown",
      details: { operation: "lock.acquire", key: "a" },
    });
    expect(leases.released).toEqual([leases.acquired[0]!.request.owner]);
    expect(leases.acquired.length).toBeLessThan(15);
    expect(leases.runtime.pendingTimers).toBe(0);
  });

  it("fails at once where the store was never reached", async () => {
    const { leases, locks } = world();
    leases.claims.push(() => Promise.reject(unavailable("leases.acquire")));
    await expect(locks.acquire("a")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(leases.released).toEqual([]);
  });

  it("never waits in tryAcquire: an unknown outcome is given back and told", async () => {
    const { leases, locks } = world();
    leases.claims.push(() => Promise.reject(noAnswer("leases.acquire")));
    await expect(locks.tryAcquire("a")).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(leases.acquired).toHaveLength(1);
    expect(leases.acquired[0]!.request.waitMs).toBe(0);
    expect(leases.released).toHaveLength(1);
  });

  it("refuses a grant that comes when its lease is over, and asks anew", async () => {
    const { leases, locks } = world();
    leases.claims.push(async (grant) => {
      const late = grant();
      leases.runtime.stall(10_000);
      return late;
    });
    const acquiring = locks.acquire("a");
    await leases.runtime.advance(100);
    const lock = await acquiring;
    const [late, good] = leases.acquired.map(({ request }) => request.owner);
    expect(leases.released).toEqual([late]);
    expect(good).not.toBe(late);
    expect(lock.remainingMs).toBeGreaterThan(9_000);
  });

  it("never returns a dead lease, even with no time left to ask again", async () => {
    const { leases, locks } = world();
    leases.claims.push(async (grant) => {
      const late = grant();
      leases.runtime.sleepMachine(60_000);
      return late;
    });
    expect(await locks.tryAcquire("a")).toBeUndefined();
    expect(leases.released).toHaveLength(1);
  });

  it("gives back a grant that comes to one who has just stopped waiting", async () => {
    const { leases, locks } = world();
    const controller = new AbortController();
    leases.claims.push(async (grant) => {
      controller.abort(new Error("enough"));
      return grant();
    });
    const acquiring = locks.acquire("a", { signal: controller.signal });
    await expect(acquiring).rejects.toThrow("enough");
    expect(leases.released).toHaveLength(1);
  });

  it("asks nobody under a signal that has aborted", async () => {
    const { leases, locks } = world();
    leases.claims.push(mute);
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(locks.acquire("a", { signal })).rejects.toThrow("too late");
    expect(leases.acquired).toEqual([]);
  });

  it("stops asking when its signal aborts between two tries, and gives back", async () => {
    const { leases, locks } = world();
    const controller = new AbortController();
    leases.claims.push(() => Promise.reject(noAnswer("leases.acquire")));
    const acquiring = locks.acquire("a", { signal: controller.signal });
    acquiring.catch(() => {});
    await leases.runtime.advance(10);
    controller.abort(new Error("enough"));
    await expect(acquiring).rejects.toThrow("enough");
    expect(leases.released).toEqual([leases.acquired[0]!.request.owner]);
    expect(leases.runtime.pendingTimers).toBe(0);
  });

  it("does not dress up a defect below as a store that did not answer", async () => {
    const { leases, locks } = world();
    leases.claims.push(() => Promise.reject(new TypeError("a defect below")));
    await expect(locks.acquire("a")).rejects.toThrow(TypeError);
    expect(leases.released).toHaveLength(1);
  });

  it("says who holds, and that one of them is this process", async () => {
    const { leases, locks } = world();
    await locks.acquire("a");
    const { owner } = leases.acquired[0]!.request;
    const holder = { owner, fencingToken: 7, weight: 1, expiresInMs: 5_000, data: "worker 3" };
    leases.claims.push(async () => ({ granted: false, holders: [holder] }));
    const error: QuorateError = await locks.acquire("a", { waitMs: 50 }).then(
      () => expect.fail("must not be granted"),
      (reason: QuorateError) => reason,
    );
    expect(error).toMatchObject({
      code: "LOCK_TIMEOUT",
      effect: "none",
      details: { key: "a", waitMs: 50, holders: 1 },
    });
    expect(error.message).toContain('"worker 3"');
    expect(error.message).toContain("this very process");
    expect(error.message).toContain("Raise waitMs");
  });

  it("waits for a token above the floor that it was told of", async () => {
    const { leases, locks } = world();
    // Tokens are the store's clock in µs: 2 ms behind here.
    leases.claims.push(
      async (grant) => grant(),
      async (grant) => ({ ...grant(), fencingToken: 3_001 }),
    );
    const acquiring = locks.acquire("a", { aboveToken: 3_000 });
    await leases.runtime.advance(10);
    const lock = await acquiring;
    expect(lock.fencingToken).toBe(3_001);
    expect(leases.released).toHaveLength(1);
  });

  it("does not wait for a floor that is farther off than waitMs", async () => {
    const { leases, locks } = world();
    const behind = locks.acquire("a", { aboveToken: Number.MAX_SAFE_INTEGER, waitMs: 5_000 });
    await expect(behind).rejects.toMatchObject({ code: "LOCK_TIMEOUT" });
    expect(leases.released).toHaveLength(1);
  });
});

describe("options", () => {
  it.each([
    [{ ttlMs: 99 }, "ttlMs"],
    [{ ttlMs: Number.NaN }, "ttlMs"],
    [{ ttlMs: "1000" }, "ttlMs"],
    [{ waitMs: -1 }, "waitMs"],
    [{ maxHoldMs: 0 }, "maxHoldMs"],
    [{ renew: "yes" }, "renew"],
    [{ fair: 1 }, "fair"],
    [{ label: "x".repeat(5_000) }, "label"],
    [{ signal: {} }, "signal"],
    [{ aboveToken: 1.5 }, "aboveToken"],
    [{ ttl: 1_000 }, "options.ttl"],
  ])("refuses %o by name, before anything is sent", async (options, option) => {
    const { leases, locks } = world();
    await expect(locks.acquire("a", options as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      effect: "none",
      details: { option },
    });
    expect(leases.acquired).toEqual([]);
  });

  it.each([[""], ["a//b"], [7], [undefined], [[]], [["a", 7]]])(
    "refuses %o as a key",
    async (key) => {
      const { leases, locks } = world();
      await expect(locks.acquire(key as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      await expect(locks.run(key as never, () => 1)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
      expect(leases.acquired).toEqual([]);
    },
  );

  it("refuses what is not a backend, and work that is not a function", async () => {
    expect(() => createLocks({} as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    const { locks } = world();
    await expect(locks.run("a", 7 as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("has defaults that one can see: 15 s, 30 s, fair", async () => {
    const leases = new ScriptedLeases();
    await createLocks(leases.backend).acquire("a");
    expect(leases.acquired[0]!.request).toMatchObject({
      ttlMs: 15_000,
      waitMs: 30_000,
      fair: true,
      weight: 1,
      capacity: 1,
    });
  });

  it("keeps kinds and prefixes apart", async () => {
    const leases = new ScriptedLeases();
    const locks = createLocks(leases.backend, { prefix: "billing", label: "worker 3" });
    await locks.acquire("a");
    await locks.semaphore("a", { permits: 3 }).acquire({ weight: 2 });
    await locks.readWrite("a").read.acquire();
    expect(leases.acquired.map(({ name }) => name)).toEqual([
      "lock/billing/a",
      "semaphore/billing/a",
      "rw/billing/a",
    ]);
    expect(leases.acquired[1]!.request).toMatchObject({
      weight: 2,
      capacity: 3,
      data: "worker 3",
    });
  });
});
