/**
 * Options of p-retry as a policy of ours.
 *
 * The mapping: `retries` → `attempts` (one more); `minTimeout`, `factor`, `maxTimeout` → the
 * backoff, spread by `randomize`, which is on unless it is false; `maxRetryTime` → a timeout around
 * all attempts; `unref` → `keepAlive: false`; `shouldRetry` → `when`; `onFailedAttempt` is told of
 * each failure. Errors that p-retry never retries (`AbortError`, a `TypeError` that is not the
 * network's) are not retried here, and come out as they were thrown.
 *
 * What changes, because it is our retry: what `shouldRetry` does not say (there is none, or the
 * error is one of ours) is decided by effect and `repeat`, so unsafe work is repeated only where
 * nothing happened; retries are paid from a budget; `retryAfterMs` is honoured. Hooks are not
 * waited for, and one that throws leaves the error as it is.
 */
import { invalidArgument, isQuorateError, type Runtime, systemRuntime } from "@quorate/core";

import type { RetryBudget } from "./budget.ts";
import { reportFailure } from "./emitter.ts";
import { isAbortError, isProgramError } from "./p-retry-errors.ts";
import {
  type Options,
  pRetryDelay,
  type PRetrySettings,
  pRetrySettings,
  type RetryContext,
} from "./p-retry-options.ts";
import { pipe, type Policy } from "./policy.ts";
import { retry } from "./retry.ts";
import type { RetryOptions } from "./retry-options.ts";
import { timeout } from "./timeout.ts";

/** Options of `fromPRetry`: p-retry's and, beside them, ours. */
export interface FromPRetryOptions extends Omit<Options, "signal" | "shouldConsumeRetry"> {
  /** What retries are paid from; false: they are not counted. @default its own `retryBudget()` */
  readonly budget?: RetryBudget | false | undefined;
  /** Its name in events. @default "retry" */
  readonly name?: string | undefined;
  /** Where time and chance come from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/**
 * The policy that p-retry's `options` describe. See the head of this file for the mapping.
 *
 * @throws INVALID_ARGUMENT one is out of range; or `signal`, which belongs to a call:
 *   `policy.run(work, { signal })`; or `shouldConsumeRetry`, which only `pRetry` knows
 * @example
 * import { fromPRetry } from "@quorate/resilience/p-retry";
 * const policy = fromPRetry({ retries: 5, minTimeout: 100 });
 * const answer = await policy.run(() => 42, { repeat: "safe" });
 */
export function fromPRetry(options: FromPRetryOptions = {}): Policy {
  const given: Options & FromPRetryOptions = options;
  const settings = pRetrySettings({ ...given, randomize: given.randomize ?? true });
  if (given.signal !== undefined) throw unmapped("signal", "a call: run(work, { signal })");
  if (given.shouldConsumeRetry !== undefined) throw unmapped("shouldConsumeRetry", "pRetry");
  const runtime = given.runtime ?? systemRuntime;
  const { maxRetryTime } = settings;
  const policy = retry({
    // No time at all still means one attempt, and no second.
    attempts: maxRetryTime === 0 ? 1 : settings.retries + 1,
    backoff: ({ attempt, random }) => pRetryDelay(settings, attempt - 1, random),
    keepAlive: !settings.unref,
    when: judgeBy(settings, given.shouldRetry !== undefined, runtime),
    budget: given.budget,
    name: given.name,
    runtime,
  });
  if (maxRetryTime === 0 || maxRetryTime === Infinity) return policy;
  return pipe(timeout({ timeoutMs: maxRetryTime, runtime }), policy);
}

/** p-retry's rules as the `when` of a retry; undefined: ours decide. */
function judgeBy(
  settings: PRetrySettings,
  isAsked: boolean,
  runtime: Runtime,
): RetryOptions["when"] {
  return (error, call) => {
    if (isAbortError(error)) return false;
    const retriesConsumed = call.attempt - 1;
    const context = Object.freeze({
      error: error as Error,
      attemptNumber: call.attempt,
      retriesLeft: Math.max(0, settings.retries - retriesConsumed),
      retriesConsumed,
    });
    void tell(settings, context, runtime);
    if (isProgramError(error)) return false;
    if (!isAsked || isQuorateError(error)) return undefined;
    return settings.shouldRetry(context) as boolean; // A promise is not followed, and reported.
  };
}

/** Runs as far as it can at once; what it throws, now or later, harms nobody. */
async function tell(
  settings: PRetrySettings,
  context: RetryContext,
  runtime: Runtime,
): Promise<void> {
  try {
    await settings.onFailedAttempt(context);
  } catch (thrown) {
    reportFailure(runtime, "onFailedAttempt", thrown);
  }
}

function unmapped(option: string, where: string): Error {
  return invalidArgument(option, "given", `left out: it belongs to ${where}`);
}
