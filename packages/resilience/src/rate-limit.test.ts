import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Guard } from "./layer.ts";
import { pipe, policyOf } from "./policy.ts";
import { type RateLimiter, rateLimit } from "./rate-limit.ts";
import type { RateLimitOptions } from "./rate-options.ts";
import { timeout } from "./timeout.ts";

function limiterWith(options: Partial<RateLimitOptions> = {}): {
  readonly runtime: ScriptedRuntime;
  readonly limiter: RateLimiter;
} {
  const runtime = new ScriptedRuntime();
  const limiter = rateLimit({ limit: 10, perMs: 1_000, burst: 1, runtime, ...options });
  return { runtime, limiter };
}

/** What became of a call: when it ran, or the code of its error. */
async function fate(limiter: RateLimiter, runtime: ScriptedRuntime, signal?: AbortSignal) {
  try {
    return await limiter.run(() => runtime.time.monotonicMs(), { signal });
  } catch (error) {
    return isQuorateError(error) ? error.code : error;
  }
}

describe("rateLimit", () => {
  it("refuses what is over the limit, and says exactly when to come back", async () => {
    const { runtime, limiter } = limiterWith({ limit: 3, perMs: 1_000, burst: 3 });
    for (let call = 0; call < 3; call++) expect(await fate(limiter, runtime)).toBe(0);
    const error: unknown = await limiter.run(() => "ran").catch((reason: unknown) => reason);
    if (!isQuorateError(error, "RATE_LIMITED")) throw error;
    expect(error.effect).toBe("none");
    expect(error.details).toEqual({ limiter: "rate limit", retryAfterMs: 333.334 });
    await runtime.advance(333.333);
    expect(await fate(limiter, runtime)).toBe("RATE_LIMITED");
    await runtime.advance(0.001);
    expect(await fate(limiter, runtime)).toBe(333.334);
    expect(limiter.stats).toEqual({ passed: 4, waited: 0, refused: 2, waiting: 0, keys: 1 });
  });

  it("lets calls wait in order of arrival, and only those that come in time", async () => {
    const { runtime, limiter } = limiterWith({ waitMs: 250 });
    const fates = Array.from({ length: 5 }, () => fate(limiter, runtime));
    expect(limiter.stats.waiting).toBe(2);
    await runtime.advance(1_000);
    expect(await Promise.all(fates)).toEqual([0, 100, 200, "RATE_LIMITED", "RATE_LIMITED"]);
    expect(limiter.stats).toMatchObject({ passed: 3, waited: 2, refused: 2, waiting: 0 });
  });

  it("does not let a cheap call overtake a dear one", async () => {
    const cost = (call: { priority: number }): number => call.priority;
    const { runtime, limiter } = limiterWith({ burst: 5, waitMs: 1_000, cost });
    expect(limiter.tryTake(5)).toBe(true);
    const ran: number[] = [];
    for (const priority of [5, 1]) {
      void limiter.run(() => void ran.push(priority), { priority });
    }
    await runtime.advance(499);
    expect(ran).toEqual([]);
    expect(limiter.tryTake()).toBe(false);
    await runtime.advance(101);
    expect(ran).toEqual([5, 1]);
  });

  it("ends a wait in the turn of the cancel, and those behind move up", async () => {
    const { runtime, limiter } = limiterWith({ waitMs: 500 });
    await fate(limiter, runtime);
    const controller = new AbortController();
    const first = fate(limiter, runtime, controller.signal);
    const second = fate(limiter, runtime);
    await runtime.advance(50);
    const reason = { why: "not wanted any more" };
    controller.abort(reason);
    expect(await first).toBe(reason);
    await runtime.advance(50);
    expect(await second).toBe(100);
  });

  it("refuses at once who could not go before its deadline, and waits with who can", async () => {
    const { runtime, limiter } = limiterWith({ waitMs: 500 });
    await fate(limiter, runtime);
    await expect(limiter.run(() => 1, { timeoutMs: 99 })).rejects.toMatchObject({
      code: "RATE_LIMITED",
      details: { retryAfterMs: 100 },
    });
    const inTime = limiter.run(() => "ran", { timeoutMs: 150 });
    await runtime.advance(100);
    expect(await inTime).toBe("ran");
  });

  it("tells a waiter whose deadline a stalled loop has eaten, and runs it not", async () => {
    const { runtime, limiter } = limiterWith({ waitMs: 500 });
    await fate(limiter, runtime);
    const cut = limiter.run(() => "ran", { timeoutMs: 150 });
    runtime.stall(5_000);
    const error: unknown = await Promise.race([cut, runtime.advance(10)]).catch((e: unknown) => e);
    // Its permit has come by now, and so has its deadline; either way the work does not run.
    expect(error).toMatchObject({ code: "TIMEOUT", effect: "none" });
  });

  it("keeps no timer when nobody waits", async () => {
    const { runtime, limiter } = limiterWith({ waitMs: 300 });
    const fates = Array.from({ length: 3 }, () => fate(limiter, runtime));
    expect(runtime.pendingTimers).toBeGreaterThan(0);
    await runtime.advance(300);
    await Promise.all(fates);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("bounds the line", async () => {
    const { runtime, limiter } = limiterWith({ waitMs: 60_000, maxWaiting: 2 });
    const fates = Array.from({ length: 4 }, () => fate(limiter, runtime));
    expect(await fates[3]).toBe("RATE_LIMITED");
    expect(limiter.stats.waiting).toBe(2);
    await runtime.advance(200);
    expect(await Promise.all(fates)).toEqual([0, 100, 200, "RATE_LIMITED"]);
  });

  it("gives a permit back whose call was stopped further in, to the next in line", async () => {
    const { runtime, limiter } = limiterWith({ waitMs: 500 });
    const refusing: Guard = {
      kind: "guard",
      rank: "limit",
      runtime,
      enter: () => {
        throw new Error("full");
      },
      succeed() {},
      fail() {},
      cancel() {},
    };
    await expect(pipe(limiter, policyOf(refusing)).run(() => 1)).rejects.toThrow("full");
    expect(limiter.tryTake()).toBe(true);
  });

  it("is spaced evenly by default with gcra, and bursts by default with a token bucket", () => {
    const runtime = new ScriptedRuntime();
    const takes = (algorithm: "gcra" | "token-bucket"): number => {
      const limiter = rateLimit({ limit: 5, perMs: 1_000, algorithm, runtime });
      return Array.from({ length: 9 }, () => limiter.tryTake()).filter(Boolean).length;
    };
    expect([takes("gcra"), takes("token-bucket")]).toEqual([1, 5]);
  });

  it("answers as a limiter by itself", async () => {
    const { runtime, limiter } = limiterWith({ burst: 4 });
    expect([limiter.available(), limiter.retryAfterMs(4)]).toEqual([4, 0]);
    expect(limiter.tryTake(3)).toBe(true);
    expect([limiter.available(), limiter.retryAfterMs(2), limiter.tryTake(2)]).toEqual([
      1,
      100,
      false,
    ]);
    await runtime.advance(100);
    expect(limiter.tryTake(2)).toBe(true);
    expect(() => limiter.tryTake(5)).toThrow(/cost must be an integer from 0 to the burst of 4/);
    expect(() => limiter.tryTake(1, "k".repeat(513))).toThrow(/key must be/);
  });

  it("case 13: a price or key that throws harms nobody, and is reported", async () => {
    const thrower = (): never => {
      throw new Error("no price");
    };
    const { runtime, limiter } = limiterWith({ cost: thrower, key: thrower });
    limiter.on("refused", thrower);
    expect(await fate(limiter, runtime)).toBe(0);
    expect(await fate(limiter, runtime)).toBe("RATE_LIMITED");
    const reported = runtime.recorded.flatMap(({ name, event }) =>
      name === "resilience.listener-failed" ? [(event as { what: string }).what] : [],
    );
    expect(new Set(reported)).toEqual(new Set(["cost", "key", "listener of refused"]));
  });

  it("tells listeners and the channel of each refusal", async () => {
    const { runtime, limiter } = limiterWith({ name: "mail" });
    const heard: object[] = [];
    limiter.on("refused", (event) => heard.push(event));
    await fate(limiter, runtime);
    await fate(limiter, runtime);
    expect(heard).toEqual([{ limiter: "mail", retryAfterMs: 100 }]);
    expect(runtime.recorded).toEqual([{ name: "rate-limit.refused", event: heard[0] }]);
  });

  it("case 24: two from one frozen options object share nothing", () => {
    const runtime = new ScriptedRuntime();
    const options = Object.freeze({ limit: 1, perMs: 1_000, runtime });
    const [one, other] = [rateLimit(options), rateLimit(options)];
    expect([one.tryTake(), one.tryTake(), other.tryTake()]).toEqual([true, false, true]);
  });

  it.each([
    [{ limit: NaN }, "limit"],
    [{ perMs: -1 }, "perMs"],
    [{ waitMs: Infinity }, "waitMs"],
    [{ maxKeys: 0 }, "maxKeys"],
    [{ algorithm: "leaky" as never }, "algorithm"],
    [{ key: "tenant" as never }, "key"],
    [{ burts: 1 } as never, "rateLimit.burts"],
  ])("case 15: refuses %o by name", (bad, option) => {
    expect(() => limiterWith(bad)).toThrow(new RegExp(`\\b${option} must be`));
  });

  it("stays under an outer timeout, which a wait does not outlive", async () => {
    const { runtime, limiter } = limiterWith({ waitMs: 10_000 });
    const policy = pipe(timeout({ timeoutMs: 150, runtime }), limiter);
    await policy.run(() => 1);
    const waited = policy.run(() => runtime.time.monotonicMs());
    await runtime.advance(100);
    expect(await waited).toBe(100);
    void policy.run(() => 1);
    await expect(policy.run(() => 1)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await runtime.advance(200);
  });
});

describe("rateLimit with keys", () => {
  it("counts each key by itself", async () => {
    let tenant = "a";
    const { runtime, limiter } = limiterWith({ key: () => tenant });
    expect(await fate(limiter, runtime)).toBe(0);
    expect(await fate(limiter, runtime)).toBe("RATE_LIMITED");
    tenant = "__proto__";
    expect(await fate(limiter, runtime)).toBe(0);
    expect(limiter.tryTake(1, "b")).toBe(true);
    expect(limiter.stats).toMatchObject({ keys: 3, passed: 3, refused: 1 });
  });

  it("forgets rested keys for new ones, and never more than that", async () => {
    const { runtime, limiter } = limiterWith({ key: () => "", maxKeys: 50 });
    for (let key = 0; key < 50; key++) expect(limiter.tryTake(1, `old-${key}`)).toBe(true);
    // Nobody is rested: newcomers share one meter, those who were here keep theirs.
    expect([limiter.tryTake(1, "new-1"), limiter.tryTake(1, "new-2")]).toEqual([true, false]);
    expect(limiter.tryTake(1, "old-7")).toBe(false);
    await runtime.advance(100);
    for (let key = 0; key < 500; key++) {
      expect(limiter.tryTake(1, `newer-${key}`)).toBe(true);
      expect(limiter.stats.keys).toBeLessThanOrEqual(50);
      await runtime.advance(2.5);
    }
  });

  it("never lets a key through more often than its limit, however keys are forgotten", async () => {
    const keys = fc.array(fc.record({ key: fc.nat({ max: 9 }), restMs: fc.nat({ max: 60 }) }), {
      maxLength: 200,
    });
    await fc.assert(
      fc.asyncProperty(keys, async (script) => {
        const { runtime, limiter } = limiterWith({ key: () => "", maxKeys: 3 });
        const lastMs = new Map<number, number>();
        for (const { key, restMs } of script) {
          await runtime.advance(restMs);
          const nowMs = runtime.time.monotonicMs();
          if (!limiter.tryTake(1, String(key))) continue;
          expect(nowMs - (lastMs.get(key) ?? -Infinity)).toBeGreaterThanOrEqual(100);
          lastMs.set(key, nowMs);
        }
      }),
      { numRuns: 30 },
    );
  });
});
