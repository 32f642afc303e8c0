import { EventEmitter } from "node:events";

import { effectOf } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { outcomeOf, pending } from "../policy.fixture.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { CircuitBreakerOptions, CircuitState } from "./options.ts";

type Work = () => unknown;

const FAULT = new Error("down");
const fault = (): Promise<never> => Promise.reject(FAULT);

function circuit(options: CircuitBreakerOptions<[Work]> = {}): {
  readonly runtime: ScriptedRuntime;
  readonly breaker: CircuitBreaker<[Work]>;
} {
  const runtime = new ScriptedRuntime();
  const breaker = new CircuitBreaker((work: Work) => work(), { runtime, ...options });
  return { runtime, breaker };
}

const reports = (runtime: ScriptedRuntime) =>
  runtime.recorded.map(({ event }) => (event as { what: string }).what);

describe("errors of the facade", () => {
  it("say whether the action ran, and are told from an action's look-alikes", async () => {
    const { breaker, runtime } = circuit({ timeout: 10, capacity: 1 });
    const late = outcomeOf(breaker.fire(() => new Promise(() => {})));
    const locked = await outcomeOf(breaker.fire(() => 1));
    await runtime.advance(10);
    breaker.open();
    const rejected = await outcomeOf(breaker.fire(() => 1));
    breaker.shutdown();
    const closed = await outcomeOf(breaker.fire(() => 1));
    const errors = [await late, locked, rejected, closed].map(
      (one) => (one as { error: Error }).error,
    );
    expect(errors.map((error) => [(error as { code?: string }).code, effectOf(error)])).toEqual([
      ["ETIMEDOUT", "unknown"],
      ["ESEMLOCKED", "none"],
      ["EOPENBREAKER", "none"],
      ["ESHUTDOWN", "none"],
    ]);
    expect(errors.every((error) => CircuitBreaker.isOurError(error))).toBe(true);
    const alike = Object.assign(new Error("Breaker is open"), { code: "EOPENBREAKER" });
    for (const other of [alike, null, undefined, "EOPENBREAKER", 0]) {
      expect(CircuitBreaker.isOurError(other)).toBe(false);
    }
  });

  it("options out of range are refused by name", () => {
    for (const [options, option] of [
      [{ timeout: Number.NaN }, "timeout"],
      [{ timeout: -1 }, "timeout"],
      [{ resetTimeout: -1 }, "resetTimeout"],
      [{ errorThresholdPercentage: Number.NaN }, "errorThresholdPercentage"],
      [{ rollingCountTimeout: 0 }, "rollingCountTimeout"],
      [{ rollingCountBuckets: 0 }, "rollingCountBuckets"],
      [{ errorFilter: "x" as never }, "errorFilter"],
      [{ cacheGetKey: "x" as never, cache: true }, "cacheGetKey"],
      [{ cacheSize: 0, cache: true }, "cacheSize"],
    ] as const) {
      expect(() => circuit(options as CircuitBreakerOptions<[Work]>)).toThrowError(
        expect.objectContaining({ details: expect.objectContaining({ option }) as unknown }),
      );
    }
  });
});

describe("what others throw", () => {
  it("a listener that throws or rejects harms nobody, and is reported", async () => {
    const { breaker, runtime } = circuit();
    breaker.on("fire", () => {
      throw new Error("mine");
    });
    const rejecting: () => unknown = () => Promise.reject(new Error("mine"));
    breaker.on("success", rejecting);
    let heard = 0;
    breaker.once("success", () => (heard += 1));
    expect(await breaker.fire(() => 1)).toBe(1);
    await runtime.advance(0);
    expect(await breaker.fire(() => 2)).toBe(2);
    await runtime.advance(0);
    expect(heard).toBe(1);
    expect(reports(runtime)).toEqual([
      "listener of fire",
      "listener of success",
      "listener of fire",
      "listener of success",
    ]);
  });

  it("a cache that throws misses; a key function that throws means no cache", async () => {
    const thrower = (): never => {
      throw new Error("mine");
    };
    const cacheTransport = { get: thrower, set: thrower, flush: thrower };
    const broken = circuit({ cache: true, cacheTransport });
    expect(await broken.breaker.fire(() => 1)).toBe(1);
    broken.breaker.clearCache();
    expect(reports(broken.runtime)).toEqual(["cacheTransport", "cacheTransport", "cacheTransport"]);
    const keyless = circuit({ cache: true, cacheGetKey: thrower });
    expect(await keyless.breaker.fire(() => 2)).toBe(2);
    expect(reports(keyless.runtime)).toEqual(["cacheGetKey"]);
  });

  it("a value that is null is kept like any other", async () => {
    const { breaker } = circuit({ cache: true, cacheGetKey: () => "key" });
    await breaker.fire(() => 0);
    expect(await breaker.fire(() => "another run")).toBe(0);
  });
});

describe("time", () => {
  it("the memory cache is deaf to jumps of the wall clock", async () => {
    const options = { cache: true, cacheTTL: 1_000, cacheGetKey: () => "key" };
    const { breaker, runtime } = circuit(options);
    await breaker.fire(() => 1);
    runtime.stepWallClock(3_600_000);
    expect(await breaker.fire(() => 2)).toBe(1);
    runtime.stepWallClock(-7_200_000);
    await runtime.advance(1_000);
    expect(await breaker.fire(() => 2)).toBe(2);
  });

  it("a bounded cache forgets the oldest first", async () => {
    const runtime = new ScriptedRuntime();
    let runs = 0;
    const action = (key: string): string => `${key}${(runs += 1)}`;
    const breaker = new CircuitBreaker(action, { runtime, cache: true, cacheSize: 2 });
    const values: string[] = [];
    for (const key of ["a", "b", "a", "c", "a", "c"]) values.push(await breaker.fire(key));
    expect(values).toEqual(["a1", "b2", "a1", "c3", "a4", "c3"]);
    await Promise.all([breaker.fire("d"), breaker.fire("d")]); // Kept twice, in one place.
    expect(await breaker.fire("a")).toBe("a4");
  });

  it("an open state comes back for the rest of its time, whatever the clock says", async () => {
    const { breaker, runtime } = circuit({ resetTimeout: 1_000 });
    await runtime.advance(5_000);
    breaker.open();
    await runtime.advance(300);
    const { state } = JSON.parse(JSON.stringify(breaker)) as { state: CircuitState };
    const restored = new CircuitBreaker(fault, { runtime, resetTimeout: 1_000, state });
    await runtime.advance(699);
    expect(restored.opened).toBe(true);
    await runtime.advance(2);
    expect(restored.halfOpen).toBe(true);
    runtime.stepWallClock(-3_600_000);
    const setBack = new CircuitBreaker(fault, { runtime, resetTimeout: 1_000, state });
    await runtime.advance(1_000);
    expect(setBack.halfOpen).toBe(true);
  });

  it("halfOpen is told on time, and calls find out though the timer is late", async () => {
    const { breaker, runtime } = circuit({ resetTimeout: 1_000 });
    const told: unknown[] = [];
    breaker.on("halfOpen", (ms) => told.push(ms));
    breaker.open();
    runtime.stall(1_000);
    expect([breaker.halfOpen, breaker.pendingClose, told]).toEqual([true, true, []]);
    const probe = pending();
    const call = outcomeOf(breaker.fire(() => probe.promise));
    expect([told, breaker.pendingClose]).toEqual([[1_000], false]);
    probe.resolve(1);
    await call;
    await runtime.advance(20);
    expect([told, breaker.closed, runtime.pendingTimers]).toEqual([[1_000], true, 0]);
  });

  it("failures and fires roll out of the window", async () => {
    const { breaker, runtime } = circuit({ volumeThreshold: 3 });
    await outcomeOf(breaker.fire(fault));
    await outcomeOf(breaker.fire(fault));
    await runtime.advance(15_000);
    await outcomeOf(breaker.fire(fault));
    expect([breaker.closed, breaker.stats.failures]).toEqual([true, 1]);
  });

  it("a controller rotates the buckets instead of time", async () => {
    const rotateBucketController = new EventEmitter();
    const options = { rotateBucketController, rollingCountBuckets: 2, volumeThreshold: 3 };
    const { breaker, runtime } = circuit(options);
    await outcomeOf(breaker.fire(fault));
    await outcomeOf(breaker.fire(fault));
    await runtime.advance(60_000);
    rotateBucketController.emit("rotate");
    expect(breaker.stats.failures).toBe(2);
    expect(breaker.status.window.map(({ failures }) => failures)).toEqual([0, 2]);
    rotateBucketController.emit("rotate");
    await outcomeOf(breaker.fire(fault));
    expect([breaker.stats.failures, breaker.closed]).toEqual([1, true]);
    breaker.shutdown();
    expect(rotateBucketController.listenerCount("rotate")).toBe(0);
  });

  it("snapshots come once a bucket, and cost a timer only while somebody listens", async () => {
    const { breaker, runtime } = circuit();
    expect(runtime.pendingTimers).toBe(0);
    let snapshots = 0;
    const listener = (): void => void (snapshots += 1);
    breaker.status.on("snapshot", listener);
    await runtime.advance(3_000);
    expect(snapshots).toBe(3);
    breaker.status.removeListener("snapshot", listener);
    await runtime.advance(2_000);
    expect([snapshots, runtime.pendingTimers]).toEqual([3, 0]);
    breaker.status.on("snapshot", listener);
    breaker.shutdown();
    breaker.status.on("snapshot", listener);
    expect(runtime.pendingTimers).toBe(0);
    const quiet = circuit({ enableSnapshots: false });
    quiet.breaker.status.on("snapshot", listener);
    expect(quiet.runtime.pendingTimers).toBe(0);
  });
});

describe("signals of single calls", () => {
  it("one read before fire belongs to the calls fired until the next is read", async () => {
    const { breaker, runtime } = circuit({ autoRenewAbortController: true, timeout: 100 });
    const first = breaker.getSignal();
    void outcomeOf(breaker.fire(() => new Promise(() => {})));
    await runtime.advance(50);
    const second = breaker.getSignal();
    void outcomeOf(breaker.fire(() => new Promise(() => {})));
    await runtime.advance(50);
    expect([first?.aborted, second?.aborted]).toEqual([true, false]);
    await runtime.advance(50);
    expect(second?.aborted).toBe(true);
    expect(breaker.getSignal()?.aborted).toBe(false);
    expect(breaker.getAbortController()?.signal).toBe(breaker.getSignal());
  });

  it("a given controller is used first, and none is made without the option", async () => {
    const abortController = new AbortController();
    const { breaker } = circuit({ autoRenewAbortController: true, abortController });
    expect(breaker.getSignal()).toBe(abortController.signal);
    expect(circuit().breaker.getSignal()).toBeUndefined();
  });
});

describe("the end", () => {
  it("calls under way get what their actions did; nothing is told, kept, or left", async () => {
    let kept = 0;
    const cacheTransport = { get: () => undefined, set: () => void (kept += 1), flush: () => {} };
    const options = { cache: true, cacheTransport, cacheGetKey: () => "key", timeout: 100 };
    const { breaker, runtime } = circuit(options);
    const [good, bad] = [pending(), pending()];
    const calls = [good, bad].map((work) => outcomeOf(breaker.fire(() => work.promise)));
    const late = outcomeOf(breaker.fire(() => new Promise(() => {})));
    breaker.shutdown();
    breaker.shutdown();
    breaker.enable();
    breaker.open();
    breaker.close();
    breaker.healthCheck(async () => {});
    good.resolve("value");
    bad.reject(FAULT);
    expect(await Promise.all(calls)).toEqual([{ value: "value" }, { error: FAULT }]);
    expect(kept).toBe(0);
    await runtime.advance(100);
    expect(await late).toMatchObject({ error: { code: "ETIMEDOUT" } });
    expect([breaker.isShutdown, breaker.enabled, breaker.stats.failures]).toEqual([true, false, 0]);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("a health check runs one at a time, and may be no promise", async () => {
    const { breaker, runtime } = circuit();
    let running = 0;
    const work = pending();
    breaker.healthCheck(() => {
      running += 1;
      return work.promise;
    }, 10);
    await runtime.advance(100);
    expect(running).toBe(1);
    work.resolve(undefined);
    await runtime.advance(10);
    expect([running, runtime.pendingTimers]).toEqual([2, 1]);
    breaker.shutdown();
    expect(runtime.pendingTimers).toBe(0);
    const throwing = circuit();
    throwing.breaker.healthCheck(() => {
      throw FAULT;
    });
    await throwing.runtime.advance(0);
    expect(throwing.breaker.opened).toBe(true);
    const plain = circuit();
    plain.breaker.healthCheck(() => "fine");
    await plain.runtime.advance(0);
    expect(plain.breaker.closed).toBe(true);
  });
});
