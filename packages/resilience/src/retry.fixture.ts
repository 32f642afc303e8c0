/** A retry in scripted time, and work that fails as often as it is told. */
import { ScriptedRuntime } from "@quorate/core/testing";

import { backoff } from "./backoff.ts";
import type { Call } from "./call.ts";
import { rejection } from "./rejection.ts";
import { retry } from "./retry.ts";
import type { RetryOptions } from "./retry-options.ts";

/** Options of a call that may run twice. */
export const safe = { repeat: "safe" } as const;

/** A retry with pauses of exactly 100 ms, and what it did. */
export function world(options: RetryOptions = {}) {
  const runtime = new ScriptedRuntime();
  const policy = retry({ backoff: backoff.constant({ delayMs: 100 }), runtime, ...options });
  const seen: string[] = [];
  policy.on("retrying", ({ attempt, delayMs }) => seen.push(`retrying ${attempt} in ${delayMs}`));
  policy.on("exhausted", ({ attempts, reason }) => seen.push(`exhausted ${attempts} ${reason}`));
  policy.on("budgetEmpty", ({ attempts }) => seen.push(`budget empty after ${attempts}`));
  return { runtime, policy, seen };
}

/** Work that throws each of `errors` in turn, and then answers how often it ran. */
export function failing(...errors: readonly unknown[]): {
  work: (call: Call) => Promise<number>;
  ran: number;
} {
  const state = {
    ran: 0,
    async work(): Promise<number> {
      state.ran += 1;
      if (state.ran <= errors.length) throw errors[state.ran - 1];
      return state.ran;
    },
  };
  return state;
}

/** A rejection that asks for a pause. */
export function retryAfter(retryAfterMs: number) {
  return rejection("RATE_LIMITED", "slow down", { limiter: "l", retryAfterMs });
}
