/** Breakers on scripted time, and calls that end as told. */
import { ScriptedRuntime } from "@quorate/core/testing";

import { Breaker } from "./breaker.ts";
import type { BreakerOptions } from "./breaker-options.ts";
import { outcomeOf, pending } from "./policy.fixture.ts";
import type { Policy } from "./policy.ts";

export const FAULT: Error = new Error("the dependency is down");

/** A breaker without chance: opens at half of 4 calls, for a second; 1 probe, no ramp. */
export function plainBreaker(options: BreakerOptions = {}): {
  readonly runtime: ScriptedRuntime;
  readonly breaker: Breaker;
} {
  const runtime = new ScriptedRuntime();
  const breaker = new Breaker({
    name: "billing",
    trip: { minCalls: 4, faultRate: 0.5 },
    reset: { afterMs: 1_000, maxMs: 8_000, jitter: 0 },
    probes: { count: 1, timeoutMs: 500 },
    rampMs: 0,
    runtime,
    ...options,
  });
  return { runtime, breaker };
}

/** `count` calls that fault. */
export async function faults(policy: Policy, count: number, error: unknown = FAULT): Promise<void> {
  for (let index = 0; index < count; index++) {
    await outcomeOf(policy.run(() => Promise.reject(error)));
  }
}

/** `count` calls that succeed. */
export async function successes(policy: Policy, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await outcomeOf(policy.run(() => "fine"));
}

/** A call under way that the test ends. */
export function underWay(policy: Policy): ReturnType<typeof pending<unknown>> & {
  readonly outcome: Promise<unknown>;
} {
  const work = pending<unknown>();
  return { ...work, outcome: outcomeOf(policy.run(() => work.promise)) };
}
