import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { createLocks } from "./locks.ts";
import {
  mute,
  muteUntil,
  noAnswer,
  ScriptedLeases,
  unavailable,
} from "./scripted-leases.fixture.ts";

const TTL = 10_000;
const BELIEVED = TTL * 0.99 - 2;

function world(): { leases: ScriptedLeases; locks: ReturnType<typeof createLocks> } {
  const leases = new ScriptedLeases();
  return { leases, locks: createLocks(leases.backend, { ttlMs: TTL }) };
}

describe("a lock in hand", () => {
  it("lasts as long as renewals come, and keeps its token", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    const token = lock.check();
    await leases.runtime.advance(60_000);
    expect(lock.check()).toBe(token);
    expect(lock.remainingMs).toBeGreaterThan(TTL / 2);
    expect(leases.renewals.length).toBeGreaterThanOrEqual(16);
    expect(leases.renewals.length).toBeLessThanOrEqual(21);
    await lock.release();
    expect(leases.runtime.pendingTimers).toBe(0);
  });

  it("aborts its signal at the local deadline although the store never answers", async () => {
    const { leases, locks } = world();
    leases.renew = () => mute();
    const lock = await locks.acquire("a");
    const { signal } = lock;
    await leases.runtime.advance(BELIEVED - 1);
    expect(signal.aborted).toBe(false);
    await leases.runtime.advance(1);
    expect(signal.aborted).toBe(true);
    expect(isQuorateError(signal.reason, "LOCK_LOST")).toBe(true);
    expect(signal.reason.details).toMatchObject({
      key: "a",
      reason: "expired",
      fencingToken: lock.fencingToken,
    });
    expect(lock.remainingMs).toBe(0);
  });

  it("survives failing tries and is renewed by a later one", async () => {
    const { leases, locks } = world();
    const answers = [
      () => Promise.reject(unavailable("leases.renew")),
      () => Promise.reject(noAnswer("leases.renew")),
    ];
    leases.renew = (grants) => answers.shift()?.() ?? Promise.resolve(grants.map(() => "renewed"));
    const lock = await locks.acquire("a");
    await leases.runtime.advance(3 * TTL);
    expect(lock.remainingMs).toBeGreaterThan(0);
    expect(leases.runtime.recorded.filter(({ name }) => name === "lock.renewal-failed")).toEqual([
      expect.objectContaining({ event: expect.objectContaining({ code: "STORE_UNAVAILABLE" }) }),
      expect.objectContaining({ event: expect.objectContaining({ code: "OUTCOME_UNKNOWN" }) }),
    ]);
  });

  it("goes on trying a mute store until the deadline, never without a pause", async () => {
    const { leases, locks } = world();
    leases.renew = (_grants, timeoutMs) => muteUntil(leases.runtime, timeoutMs);
    await locks.acquire("a");
    await leases.runtime.advance(TTL);
    // Four full tries, and a fifth that is cut short where the jitter let the first begin early.
    expect([4, 5]).toContain(leases.renewals.length);
    const gaps = leases.renewals.slice(1).map(({ atMs }, i) => atMs - leases.renewals[i]!.atMs);
    expect(Math.min(...gaps)).toBeGreaterThan(TTL / 6 - 1);
  });

  it("is lost at once when the store says so, reason superseded", async () => {
    const { leases, locks } = world();
    leases.renew = async (grants) => grants.map(() => "lost");
    const lock = await locks.acquire("a");
    const { signal } = lock;
    await leases.runtime.advance(TTL * 0.37);
    expect(signal.reason.details.reason).toBe("superseded");
    expect(() => lock.check()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
  });

  it("throws from check() at the first line after a pause, before any timer has run", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    leases.runtime.stall(1.5 * TTL);
    expect(() => lock.check()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
    expect(lock.signal.aborted).toBe(true);
  });

  it("is still held after a pause shorter than two thirds of its TTL", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    await leases.runtime.advance(TTL * 0.3);
    leases.runtime.stall((TTL * 2) / 3);
    expect(lock.check()).toBe(lock.fencingToken);
    await leases.runtime.advance(TTL);
    expect(lock.check()).toBe(lock.fencingToken);
  });

  it("is lost when the machine slept, although the monotonic clock stood still", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    leases.runtime.sleepMachine(3_600_000);
    expect(() => lock.check()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
  });

  it("stays lost when the wall clock jumps forth and back: loss is final", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    leases.runtime.stepWallClock(3_600_000);
    expect(lock.remainingMs).toBe(0);
    leases.runtime.stepWallClock(-3_600_000);
    expect(lock.remainingMs).toBe(0);
    expect(() => lock.check()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
  });

  it("does not last longer because the wall clock was set back", async () => {
    const { leases, locks } = world();
    leases.renew = () => mute();
    const lock = await locks.acquire("a");
    leases.runtime.stepWallClock(-3_600_000);
    await leases.runtime.advance(BELIEVED);
    expect(lock.remainingMs).toBe(0);
  });

  it("is not revived by a renewal that comes after the deadline", async () => {
    const { leases, locks } = world();
    let answer: (() => void) | undefined;
    leases.renew = (grants) =>
      new Promise((resolve) => (answer = () => resolve(grants.map(() => "renewed"))));
    const lock = await locks.acquire("a");
    await leases.runtime.advance(TTL / 2);
    // The reply and the deadline's timer are both due, and the reply is heard first. What it gives
    // would last until 1.3 TTL.
    leases.runtime.stall(0.6 * TTL);
    answer?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(lock.remainingMs).toBe(0);
    expect(lock.signal.aborted).toBe(true);
  });

  it("says no loss after a release, whatever a racing renewal finds", async () => {
    const { leases, locks } = world();
    let answer: (() => void) | undefined;
    leases.renew = (grants) =>
      new Promise((resolve) => (answer = () => resolve(grants.map(() => "lost"))));
    const lock = await locks.acquire("a");
    const { signal } = lock;
    await leases.runtime.advance(TTL / 2);
    expect(await lock.release()).toBe("released");
    answer?.();
    await leases.runtime.advance(2 * TTL);
    expect(signal.aborted).toBe(false);
    expect(leases.runtime.recorded.some(({ name }) => name === "lock.lost")).toBe(false);
  });

  it("refuses use after release by CLOSED", async () => {
    const { locks } = world();
    const lock = await locks.acquire("a");
    await lock.release();
    expect(() => lock.check()).toThrow(expect.objectContaining({ code: "CLOSED" }));
    expect(lock.remainingMs).toBe(0);
  });

  it("gives a signal that is aborted already to one who asks after the loss", async () => {
    const { leases, locks } = world();
    leases.renew = () => mute();
    const lock = await locks.acquire("a");
    await leases.runtime.advance(TTL);
    expect(lock.signal.aborted).toBe(true);
    expect(lock.signal.reason.code).toBe("LOCK_LOST");
  });

  it("ends by itself with renew: false", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a", { renew: false });
    await leases.runtime.advance(BELIEVED - 1);
    expect(lock.remainingMs).toBeGreaterThan(0);
    await leases.runtime.advance(1);
    expect(lock.signal.aborted).toBe(true);
    expect(leases.renewals).toEqual([]);
  });

  it("is held no longer than maxHoldMs, renewed or not", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a", { maxHoldMs: 25_000 });
    await leases.runtime.advance(24_999);
    expect(lock.remainingMs).toBe(1);
    await leases.runtime.advance(1);
    expect(lock.signal.reason.details.reason).toBe("expired");
    // Once the lease in hand lasts till then, renewing is of no use.
    expect(leases.renewals.at(-1)?.atMs).toBeLessThan(20_000);
  });
});

describe("release", () => {
  it("answers expired for a lock that was lost, without waiting for a mute store", async () => {
    const { leases, locks } = world();
    leases.renew = () => mute();
    leases.release = () => mute();
    const lock = await locks.acquire("a");
    await leases.runtime.advance(TTL);
    expect(await lock.release()).toBe("expired");
  });

  it("is asked again while the lease lasts, and then is over all the same", async () => {
    const { leases, locks } = world();
    leases.release = () => Promise.reject(unavailable("leases.release"));
    const lock = await locks.acquire("a");
    const released = lock.release();
    await leases.runtime.advance(TTL);
    expect(await released).toBe("expired");
    expect(leases.released.length).toBeGreaterThan(5);
    expect(leases.released.length).toBeLessThan(20);
    expect(leases.runtime.pendingTimers).toBe(0);
  });

  it("is one release, however often it is called", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    await Promise.all([lock.release(), lock.release(), lock[Symbol.asyncDispose]()]);
    expect(leases.released).toHaveLength(1);
  });

  it("never throws from dispose, over the body's error", async () => {
    const { leases, locks } = world();
    leases.release = () => Promise.reject(new Error("a defect below"));
    const lock = await locks.acquire("a");
    await expect(lock[Symbol.asyncDispose]()).resolves.toBeUndefined();
    await expect(lock.release()).rejects.toThrow("a defect below");
  });
});

describe("ensure", () => {
  it("asks nobody while enough is left", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    expect(await lock.ensure(5_000)).toBe(lock.fencingToken);
    expect(leases.renewals).toEqual([]);
  });

  it("renews now when too little is left", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    await leases.runtime.advance(2_500);
    await lock.ensure(9_000);
    expect(lock.remainingMs).toBeCloseTo(BELIEVED, 0);
    expect(leases.renewals).toHaveLength(1);
  });

  it("rejects with the store's error and leaves the lock held", async () => {
    const { leases, locks } = world();
    leases.renew = () => Promise.reject(unavailable("leases.renew"));
    const lock = await locks.acquire("a");
    await leases.runtime.advance(2_500);
    await expect(lock.ensure(9_000)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(lock.remainingMs).toBeGreaterThan(0);
  });

  it("refuses what a lease cannot give, and what is over", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    await expect(lock.ensure(TTL)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    leases.runtime.stall(2 * TTL);
    await expect(lock.ensure(1)).rejects.toMatchObject({ code: "LOCK_LOST" });
  });

  it("gives up on a store that is too slow to leave so much", async () => {
    const { leases, locks } = world();
    leases.renew = async (grants) => {
      leases.runtime.stall(1_200);
      return grants.map(() => "renewed");
    };
    const lock = await locks.acquire("a");
    await leases.runtime.advance(2_000);
    await expect(lock.ensure(9_000)).rejects.toMatchObject({ code: "TIMEOUT" });
  });
});
