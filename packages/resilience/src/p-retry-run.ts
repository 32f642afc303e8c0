/**
 * `pRetry` on our engine: the interface and the rules of p-retry 7, without its failures.
 *
 * What p-retry documents holds: what is retried, the pauses, the hooks and their order, the options
 * and their defaults. Beyond that: a thrown value is never converted; a success is never discarded
 * because the signal aborted meanwhile; the signal and `maxRetryTime` also end an attempt or a hook
 * that hangs; a pause that would outlast `maxRetryTime` is not begun; pauses of any length are
 * exact; retries without pause let the event loop turn; an attempt that is rejected by one and the
 * same dead signal again is not made a third time.
 *
 * Does not guarantee what `retry` does: it knows neither effects nor budgets, and repeats calls
 * that may have happened. Use it to move, then move on.
 */
import { invalidArgument, type Runtime, systemRuntime } from "@quorate/core";

import { attempt } from "./attempt.ts";
import type { Next, Rescue } from "./layer.ts";
import { LiveCall } from "./live-call.ts";
import { isAbortError, isProgramError } from "./p-retry-errors.ts";
import {
  type Options,
  pRetryDelay,
  type PRetrySettings,
  pRetrySettings,
  type RetryContext,
} from "./p-retry-options.ts";
import { LayeredPolicy, type Policy } from "./policy.ts";
import { isDeadSignal } from "./repeatable.ts";
import { pause } from "./retry-pause.ts";

/** Long enough for a hook that waits for nothing. */
const TURN_MS = 1;

class PRetryRescue implements Rescue {
  readonly kind = "rescue";
  readonly rank = "loop";
  readonly runtime: Runtime;
  readonly #settings: PRetrySettings;

  constructor(settings: PRetrySettings, runtime: Runtime) {
    this.#settings = settings;
    this.runtime = runtime;
  }

  begin(): void {}

  async recover(call: LiveCall, first: unknown, next: Next): Promise<unknown> {
    let error = first;
    let consumed = 0;
    for (let attemptNumber = 1; ; attemptNumber += 1) {
      const delayMs = await this.#judge(call, error, attemptNumber, consumed);
      if (delayMs !== undefined) consumed += 1;
      await pause(call, delayMs ?? 0, !this.#settings.unref);
      if (call.isCancelled) call.check();
      const again = call.derive(attemptNumber + 1);
      call.active = again;
      try {
        return await next(again);
      } catch (thrown) {
        if (isDeadSignal(error, thrown)) throw thrown;
        error = thrown;
      } finally {
        call.active = undefined;
      }
    }
  }

  /** The pause before the next attempt; undefined: none, and no retry is consumed. Else throws. */
  async #judge(
    call: LiveCall,
    error: unknown,
    attemptNumber: number,
    consumed: number,
  ): Promise<number | undefined> {
    if (call.isCancelled) call.check();
    if (isAbortError(error)) throw error.originalError;
    const settings = this.#settings;
    const retriesLeft = Math.max(0, settings.retries - consumed);
    const context: RetryContext = Object.freeze({
      error: error as Error,
      attemptNumber,
      retriesLeft,
      retriesConsumed: consumed,
    });
    await this.#ask(call, error, () => settings.onFailedAttempt(context));
    if (settings.maxRetryTime === 0 || call.remainingMs === 0) throw error;
    const consumes = await this.#ask(call, error, () => settings.shouldConsumeRetry(context));
    if (retriesLeft <= 0 || call.remainingMs === 0) throw error;
    const isProgram = isProgramError(error);
    if (isProgram && consumes) throw error;
    // An error of the program that does not count is retried unasked: so it is with p-retry.
    if (!isProgram && !(await this.#ask(call, error, () => settings.shouldRetry(context)))) {
      throw error;
    }
    if (!consumes) return undefined;
    const delayMs = pRetryDelay(settings, consumed, this.runtime.random.next());
    if (delayMs >= call.remainingMs && call.deadlineMs !== Infinity) throw error;
    return delayMs;
  }

  /** What a hook says. It is waited for as work is: until the deadline, or a cancel. */
  async #ask(call: LiveCall, error: unknown, hook: () => unknown): Promise<unknown> {
    const asking = new LiveCall(this.runtime, hook, undefined, call, call.attempt);
    asking.mayEnd = true;
    // Also a failure at the deadline is told; but what hears of it then cannot wait.
    const nowMs = this.runtime.time.monotonicMs();
    asking.deadlineMs = Math.max(call.deadlineMs, nowMs + TURN_MS);
    call.active = asking;
    try {
      return await attempt(asking);
    } catch (thrown) {
      if (call.isCancelled) call.check();
      throw asking.isEnded ? error : thrown; // Ended: the hook did not throw, its time ran out.
    } finally {
      call.active = undefined;
    }
  }
}

/** `pRetry` and `makeRetriable` on `runtime`, which need not be that of the process. */
export function pRetryOn(runtime: Runtime): {
  readonly pRetry: typeof pRetry;
  readonly makeRetriable: typeof makeRetriable;
} {
  return {
    async pRetry(input, options = {}) {
      const settings = pRetrySettings(options);
      if (typeof input !== "function") throw invalidArgument("input", input, "a function");
      return start(policyFor(settings, runtime), settings, input);
    },
    makeRetriable(work, options = {}) {
      const settings = pRetrySettings(options);
      const policy = policyFor(settings, runtime);
      return function (this: unknown, ...args) {
        return start(policy, settings, () => Reflect.apply(work, this, args));
      };
    },
  };
}

function policyFor(settings: PRetrySettings, runtime: Runtime): Policy {
  return new LayeredPolicy([new PRetryRescue(settings, runtime)], runtime);
}

function start<T>(
  policy: Policy,
  { signal, maxRetryTime }: PRetrySettings,
  input: (attemptNumber: number) => PromiseLike<T> | T,
): Promise<T> {
  // No time at all still means one attempt, and no second.
  const isBounded = maxRetryTime > 0 && maxRetryTime < Infinity;
  if (signal === undefined && !isBounded) return policy.run((call) => input(call.attempt));
  return policy.run((call) => input(call.attempt), {
    signal,
    timeoutMs: isBounded ? maxRetryTime : undefined,
  });
}

const onSystem = pRetryOn(systemRuntime);

/**
 * Runs `input`, and runs it again when it fails: p-retry's function of the same name.
 *
 * @throws what the last attempt threw, untouched
 * @throws TIMEOUT (as a rejection) `maxRetryTime` passed while an attempt ran
 * @throws INVALID_ARGUMENT (as a rejection) an option is out of range
 * @example
 * import { pRetry } from "@quorate/resilience/p-retry";
 * const answer = await pRetry(
 *   (attemptNumber) => {
 *     if (attemptNumber < 3) throw new Error("reset by peer");
 *     return attemptNumber;
 *   },
 *   { retries: 5, minTimeout: 10 },
 * );
 * console.log(answer); // => 3
 */
export function pRetry<T>(
  input: (attemptNumber: number) => PromiseLike<T> | T,
  options?: Options,
): Promise<T> {
  return onSystem.pRetry(input, options);
}

/**
 * The function that runs `work` with its arguments under `pRetry`.
 *
 * @throws INVALID_ARGUMENT an option is out of range; here at once, not at each call
 * @example
 * import { makeRetriable } from "@quorate/resilience/p-retry";
 * const fetchAgain = makeRetriable(fetch, { retries: 5 });
 */
export function makeRetriable<Arguments extends readonly unknown[], Result>(
  work: (...args: Arguments) => PromiseLike<Result> | Result,
  options?: Options,
): (...args: Arguments) => Promise<Result> {
  return onSystem.makeRetriable(work, options);
}
