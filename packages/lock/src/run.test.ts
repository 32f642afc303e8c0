import { isQuorateError, QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { workOutcome } from "./lock-errors.ts";
import { createLocks, type Locks } from "./locks.ts";
import { mute, ScriptedLeases, unavailable } from "./scripted-leases.fixture.ts";

const TTL = 10_000;

function world(): { leases: ScriptedLeases; locks: Locks } {
  const leases = new ScriptedLeases();
  return { leases, locks: createLocks(leases.backend, { ttlMs: TTL }) };
}

/** Settles `promise`, as a value or an error, while `ms` of scripted time go by. */
async function over<T>(leases: ScriptedLeases, promise: Promise<T>, ms: number): Promise<unknown> {
  const settled = promise.then(
    (value) => value,
    (error: unknown) => error,
  );
  await leases.runtime.advance(ms);
  return Promise.race([settled, Promise.resolve("pending")]);
}

const later = (leases: ScriptedLeases, ms: number): Promise<void> =>
  new Promise((resolve) => void leases.runtime.time.setTimer(ms, resolve));

describe("run", () => {
  it("returns what the work returned, and gives back", async () => {
    const { leases, locks } = world();
    expect(await locks.run("a", (lock) => lock.check())).toBe(1_001);
    expect(leases.released).toHaveLength(1);
    expect(leases.runtime.pendingTimers).toBe(0);
  });

  it("rejects with the work's own error, and gives back", async () => {
    const { leases, locks } = world();
    const failing = locks.run("a", () => {
      throw new Error("card declined");
    });
    await expect(failing).rejects.toThrow("card declined");
    expect(leases.released).toHaveLength(1);
  });

  it("rejects with LOCK_LOST, applied, and keeps the answer that came too late", async () => {
    const { leases, locks } = world();
    leases.renew = () => mute();
    const running = locks.run("a", async () => {
      await later(leases, TTL);
      return "charge 7";
    });
    const error = await over(leases, running, TTL);
    expect(isQuorateError(error, "LOCK_LOST")).toBe(true);
    expect(error).toMatchObject({ effect: "applied", details: { key: "a", reason: "expired" } });
    expect(workOutcome(error)).toEqual({ kind: "returned", value: "charge 7" });
    expect(JSON.stringify(error)).not.toContain("charge 7");
  });

  it("rejects with LOCK_LOST, unknown, caused by the error that came after the loss", async () => {
    const { leases, locks } = world();
    leases.renew = () => mute();
    const cause = new Error("connection cut");
    const running = locks.run("a", async () => {
      await later(leases, TTL);
      throw cause;
    });
    const error = await over(leases, running, TTL);
    expect(error).toMatchObject({ code: "LOCK_LOST", effect: "unknown", cause });
    expect(workOutcome(error)).toEqual({ kind: "threw", error: cause });
  });

  it("passes on the loss itself when the work threw it", async () => {
    const { leases, locks } = world();
    const running = locks.run("a", (lock) => {
      leases.runtime.stall(2 * TTL);
      lock.check();
    });
    const error = await over(leases, running, 0);
    expect(error).toMatchObject({ code: "LOCK_LOST" });
    expect((error as Error).cause).toBeUndefined();
  });

  it("does not wait for the release after a loss", async () => {
    const { leases, locks } = world();
    leases.renew = () => mute();
    leases.release = () => mute();
    const error = await over(
      leases,
      locks.run("a", () => later(leases, TTL)),
      TTL,
    );
    expect(error).toMatchObject({ code: "LOCK_LOST" });
  });

  it("waits a second at most for a release that hangs, and the work's answer counts", async () => {
    const { leases, locks } = world();
    leases.release = () => mute();
    const running = locks.run("a", () => "done");
    expect(await over(leases, running, 999)).toBe("pending");
    expect(await over(leases, running, 1)).toBe("done");
  });

  it("lets the work's answer count when the release fails", async () => {
    const { leases, locks } = world();
    leases.release = () => Promise.reject(new Error("a defect below"));
    expect(await locks.run("a", () => "done")).toBe("done");
  });

  it("learns from its release that the store had forgotten the lock under the work", async () => {
    const { leases, locks } = world();
    leases.release = async () => "expired";
    const error = await over(
      leases,
      locks.run("a", () => "done"),
      0,
    );
    expect(error).toMatchObject({
      code: "LOCK_LOST",
      effect: "applied",
      details: { reason: "superseded" },
    });
  });

  it("does not mistake its own repeated release for a loss", async () => {
    const { leases, locks } = world();
    const answers = [
      () => Promise.reject(unavailable("leases.release")),
      () => Promise.resolve("expired" as const),
    ];
    leases.release = () => answers.shift()?.() ?? mute();
    expect(
      await over(
        leases,
        locks.run("a", () => "done"),
        100,
      ),
    ).toBe("done");
  });

  it("settles only when the work has ended: a loss does not leave it behind", async () => {
    const { leases, locks } = world();
    leases.renew = () => mute();
    let aborted = false;
    const running = locks.run("a", async (lock) => {
      lock.signal.addEventListener("abort", () => (aborted = true));
      await later(leases, 2 * TTL);
    });
    expect(await over(leases, running, TTL)).toBe("pending");
    expect(aborted).toBe(true);
    expect(await over(leases, running, TTL)).toMatchObject({ code: "LOCK_LOST" });
  });

  it("accepts that the work released by itself", async () => {
    const { leases, locks } = world();
    const running = locks.run("a", async (lock) => {
      await lock.release();
      return "done";
    });
    expect(await running).toBe("done");
    expect(leases.released).toHaveLength(1);
  });

  it("waits for a token above the floor after a guard has refused its token", async () => {
    const { leases, locks } = world();
    const refused = locks.run("a", (lock) => {
      const { fencingToken } = lock;
      const details = { resource: "r", fencingToken, floor: 5_000 };
      throw new QuorateError("STALE_TOKEN", "stale", { effect: "none", details });
    });
    expect(await over(leases, refused, 0)).toMatchObject({ code: "STALE_TOKEN" });
    leases.claims.push(
      async (grant) => grant(),
      async (grant) => ({ ...grant(), fencingToken: 5_001 }),
    );
    const healed = locks.run("a", (lock) => lock.fencingToken);
    expect(await over(leases, healed, 10)).toBe(5_001);
    // Passed once, it is forgotten: the next claim is not delayed.
    expect(
      await over(
        leases,
        locks.run("a", (lock) => lock.fencingToken),
        0,
      ),
    ).toBe(1_004);
  });
});

describe("run, refused by a guard for somebody else's token,", () => {
  it("does not hold its own next claim back", async () => {
    const { leases, locks } = world();
    const refused = locks.run("a", () => {
      const details = { resource: "r", fencingToken: 7, floor: Number.MAX_SAFE_INTEGER };
      throw new QuorateError("STALE_TOKEN", "stale", { effect: "none", details });
    });
    expect(await over(leases, refused, 0)).toMatchObject({ code: "STALE_TOKEN" });
    expect(
      await over(
        leases,
        locks.run("a", () => "done"),
        0,
      ),
    ).toBe("done");
  });
});

describe("close", () => {
  it("gives back what is held, tells its holder, and refuses what comes later", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    const { signal } = lock;
    await locks.close();
    expect(leases.released).toHaveLength(1);
    expect(signal.reason).toMatchObject({ code: "CLOSED" });
    expect(() => lock.check()).toThrow(expect.objectContaining({ code: "CLOSED" }));
    await expect(locks.acquire("b")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(locks.inspect("b")).rejects.toMatchObject({ code: "CLOSED" });
    await locks.close();
    expect(leases.released).toHaveLength(1);
    expect(leases.runtime.pendingTimers).toBe(0);
  });

  it("lets running work end within its grace", async () => {
    const { leases, locks } = world();
    const running = locks.run("a", () => later(leases, 500).then(() => "done"));
    await leases.runtime.advance(0);
    const closing = locks.close({ graceMs: 1_000 });
    expect(await over(leases, running, 500)).toBe("done");
    await closing;
  });

  it("takes the lock from work that does not end, and says so", async () => {
    const { leases, locks } = world();
    const running = locks.run("a", async (lock) => {
      await new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
      return "stopped";
    });
    await leases.runtime.advance(0);
    const closing = locks.close({ graceMs: 1_000 });
    const error = await over(leases, running, 1_000);
    await closing;
    expect(error).toMatchObject({ code: "CLOSED", effect: "applied" });
    expect(workOutcome(error)).toEqual({ kind: "returned", value: "stopped" });
    expect(leases.released).toHaveLength(1);
  });

  it("leaves alone what shall run out by itself", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a");
    lock.lapse();
    await locks.close();
    await leases.runtime.advance(TTL / 2);
    expect(leases.released).toEqual([]);
    expect(leases.renewals).toEqual([]);
    expect(lock.remainingMs).toBeGreaterThan(0);
    await leases.runtime.advance(TTL / 2);
    expect(() => lock.check()).toThrow(expect.objectContaining({ code: "LOCK_LOST" }));
  });

  it("does not hang on a store that is mute", async () => {
    const { leases, locks } = world();
    leases.release = () => Promise.reject(unavailable("leases.release"));
    await locks.acquire("a");
    const closing = locks.close({ graceMs: 0 }).then(() => "closed");
    expect(await over(leases, closing, TTL)).toBe("closed");
  });
});

describe("events", () => {
  it("tell the life of a lock without payload or label", async () => {
    const { leases, locks } = world();
    const lock = await locks.acquire("a", { label: "secret" });
    await lock.release();
    expect(leases.runtime.recorded).toEqual([
      { name: "lock.waiting", event: { kind: "lock", key: "a", waitMs: 30_000 } },
      {
        name: "lock.granted",
        event: { kind: "lock", key: "a", fencingToken: 1_001, ttlMs: TTL, waitedMs: 0 },
      },
      {
        name: "lock.released",
        event: { kind: "lock", key: "a", fencingToken: 1_001, answer: "released" },
      },
    ]);
  });

  it("tell why a claim came to nothing", async () => {
    const { leases, locks } = world();
    const told = (): unknown =>
      leases.runtime.recorded.findLast(({ name }) => name === "lock.refused")?.event;
    leases.claims.push(async () => ({ granted: false, holders: [] }));
    await locks.tryAcquire("a");
    expect(told()).toEqual({ kind: "lock", key: "a", waitedMs: 0, why: "held" });
    leases.claims.push(() => Promise.reject(unavailable("leases.acquire")));
    await expect(locks.tryAcquire("b")).rejects.toThrow();
    expect(told()).toMatchObject({ key: "b", why: "STORE_UNAVAILABLE" });
    const controller = new AbortController();
    leases.claims.push(() => {
      controller.abort(new Error("no patience"));
      return Promise.reject(controller.signal.reason as Error);
    });
    const waiting = locks.acquire("c", { signal: controller.signal });
    await expect(waiting).rejects.toThrow("no patience");
    expect(told()).toMatchObject({ key: "c", why: "aborted" });
  });

  it("tell of a loss once", async () => {
    const { leases, locks } = world();
    leases.renew = async (grants) => grants.map(() => "lost");
    const lock = await locks.acquire("a");
    await leases.runtime.advance(3 * TTL);
    expect(() => lock.check()).toThrow();
    expect(leases.runtime.recorded.filter(({ name }) => name === "lock.lost")).toEqual([
      {
        name: "lock.lost",
        event: { kind: "lock", key: "a", fencingToken: 1_001, reason: "superseded" },
      },
    ]);
  });
});
