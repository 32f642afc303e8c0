import { QuorateError, refuse } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { AbortError, fromPRetry, type FromPRetryOptions } from "./p-retry.ts";
import { outcomeOf } from "./policy.fixture.ts";
import { rejection } from "./rejection.ts";

const safe = { repeat: "safe" } as const;

async function attempts(
  options: FromPRetryOptions,
  thrown: unknown,
  run: object = safe,
): Promise<{ startedMs: number[]; error: unknown }> {
  const runtime = new ScriptedRuntime();
  const policy = fromPRetry({ minTimeout: 100, randomize: false, runtime, ...options });
  const startedMs: number[] = [];
  const call = outcomeOf(
    policy.run(() => {
      startedMs.push(runtime.time.monotonicMs());
      throw thrown;
    }, run),
  );
  await runtime.advance(100_000);
  return { startedMs, error: ((await call) as { error: unknown }).error };
}

describe("options of p-retry, as a policy,", () => {
  it("make as many attempts, after the same pauses", async () => {
    const own = new Error("own");
    const { startedMs, error } = await attempts({ retries: 4, factor: 3, maxTimeout: 500 }, own);
    expect(startedMs).toEqual([0, 100, 400, 900, 1_400]);
    expect(error).toBe(own);
    expect((await attempts({ retries: 0 }, own)).startedMs).toEqual([0]);
    expect((await attempts({ maxRetryTime: 0 }, own)).startedMs).toEqual([0]);
    expect((await attempts({ maxRetryTime: 400 }, own)).startedMs).toEqual([0, 100, 300]);
  });

  it("spread pauses unless randomize is false", async () => {
    const { startedMs } = await attempts({ randomize: undefined, retries: 1 }, 1);
    expect(startedMs[1]).toBeGreaterThan(100);
    expect(startedMs[1]).toBeLessThan(200);
  });

  it("do not retry what p-retry does not, and leave it as it was thrown", async () => {
    for (const thrown of [new AbortError("enough"), new TypeError("x is not a function")]) {
      const { startedMs, error } = await attempts({ shouldRetry: () => true }, thrown);
      expect([startedMs.length, error]).toEqual([1, thrown]);
    }
    expect((await attempts({ retries: 1 }, new TypeError("fetch failed"))).startedMs).toHaveLength(
      2,
    );
  });

  it("let shouldRetry decide, with p-retry's context, also for unsafe work", async () => {
    const contexts: unknown[] = [];
    const own = new Error("own");
    const options: FromPRetryOptions = {
      retries: 2,
      shouldRetry: (context) => contexts.push(context) < 2,
    };
    const { startedMs } = await attempts(options, own, {});
    expect(startedMs).toHaveLength(2);
    expect(contexts).toEqual([
      { error: own, attemptNumber: 1, retriesLeft: 2, retriesConsumed: 0 },
      { error: own, attemptNumber: 2, retriesLeft: 1, retriesConsumed: 1 },
    ]);
  });

  it("leave what shouldRetry does not say to our own rule", async () => {
    const always = { retries: 1, shouldRetry: () => true };
    expect((await attempts({ retries: 1 }, new Error("own"), {})).startedMs).toHaveLength(1);
    expect((await attempts(always, refuse("declined"))).startedMs).toHaveLength(1);
    const open = rejection("BREAKER_OPEN", "open", { breaker: "b", state: "open" });
    expect((await attempts(always, open)).startedMs).toHaveLength(1);
    const lost = new QuorateError("TIMEOUT", "lost", {
      effect: "unknown",
      details: { operation: "call", timeoutMs: 1 },
    });
    expect((await attempts(always, lost, {})).startedMs).toHaveLength(1);
    expect((await attempts(always, lost)).startedMs).toHaveLength(2);
    const promised = { retries: 1, shouldRetry: async () => true };
    expect((await attempts(promised, new Error("own"), {})).startedMs).toHaveLength(1);
  });

  it("tell onFailedAttempt of each failure, but for an AbortError", async () => {
    const told: number[] = [];
    const onFailedAttempt: FromPRetryOptions["onFailedAttempt"] = ({ retriesLeft }) =>
      void told.push(retriesLeft);
    await attempts({ retries: 2, onFailedAttempt }, new Error("own"));
    await attempts({ retries: 2, onFailedAttempt }, new AbortError("enough"));
    expect(told).toEqual([2, 1, 0]);
  });

  it("are refused where they belong elsewhere, or mean nothing", () => {
    const elsewhere = { signal: AbortSignal.abort() } as FromPRetryOptions;
    expect(() => fromPRetry(elsewhere)).toThrow(/signal must be left out.*run\(work, \{ signal \}/);
    const uncounted = { shouldConsumeRetry: () => true } as FromPRetryOptions;
    expect(() => fromPRetry(uncounted)).toThrow(/shouldConsumeRetry must be left out.*pRetry/);
    expect(() => fromPRetry({ retries: -1 })).toThrow(/retries must be/);
    expect(() => fromPRetry({ budget: 1 as never })).toThrow(/budget must be/);
  });
});
