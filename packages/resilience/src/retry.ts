/**
 * Retry: makes a failed call again where that is safe, worth it, and in time.
 *
 * Safe: `repeatable` decides by what the error says of its effect and by the call's `repeat`. Worth
 * it: a budget keeps retries a small share of all calls, so that they cannot hold an overloaded
 * dependency down. In time: no pause outlasts the call's deadline; where it would, the call fails
 * at once. `retryAfterMs` of an error is waited for exactly.
 *
 * Guarantees: the caller gets a thrown value untouched: the last one, or an earlier one that may
 * have happened where the last only says that it was not sent. A cancel ends a pause in the same
 * turn and no attempt begins after it. An open breaker is waited for only within a deadline.
 * Does not guarantee that the work runs once: that is what `repeat` and `key` are for.
 */
import { isQuorateError, type Ms, retryAfterMsOf } from "@quorate/core";

import { backoff } from "./backoff.ts";
import type { RetryBudget } from "./budget.ts";
import { reportFailure } from "./emitter.ts";
import type { Next, Rescue } from "./layer.ts";
import { Signals } from "./limit-signals.ts";
import type { LiveCall } from "./live-call.ts";
import { LayeredPolicy } from "./policy.ts";
import { isDeadSignal, repeatable, weightier } from "./repeatable.ts";
import { notFollowed } from "./retry-answer.ts";
import {
  type ExhaustedReason,
  type RetryEvents,
  type RetryOptions,
  retrySettings,
  type RetrySettings,
  type RetryStats,
} from "./retry-options.ts";
import { pause } from "./retry-pause.ts";

/** Followed where the caller's own backoff threw or said something that is no duration. */
const DEFAULT_BACKOFF = backoff.full();

class RetryRescue implements Rescue {
  readonly kind = "rescue";
  readonly rank = "loop";
  readonly runtime: RetrySettings["runtime"];
  readonly settings: RetrySettings;
  readonly signals: Signals<RetryEvents>;
  readonly counts: { -readonly [K in keyof RetryStats]: number } = {
    calls: 0,
    retries: 0,
    recovered: 0,
    unrepeatable: 0,
    exhausted: 0,
    budgetEmpty: 0,
  };

  constructor(settings: RetrySettings) {
    this.settings = settings;
    this.runtime = settings.runtime;
    this.signals = new Signals(settings.runtime, "retry");
  }

  begin(call: LiveCall): void {
    this.counts.calls += 1;
    // Inside another retry or a hedge, not every first try is a first attempt.
    if (call.attempt === 1) this.settings.budget?.deposit();
  }

  async recover(call: LiveCall, first: unknown, next: Next): Promise<unknown> {
    let failed = call;
    let latest = first;
    let final = first;
    let previousMs = 0;
    for (let made = 1; ; made += 1) {
      if (call.isCancelled) call.check(); // Throws the caller's reason.
      const delayMs = this.#delayBefore(failed, latest, made, previousMs);
      if (delayMs === undefined) throw final;
      if (retryAfterMsOf(latest) === undefined) previousMs = delayMs;
      await pause(call, delayMs, this.settings.keepAlive);
      if (call.isCancelled) call.check();
      failed = call.derive(call.attempt + made);
      call.active = failed;
      try {
        const value = await next(failed);
        this.counts.recovered += 1;
        return value;
      } catch (error) {
        final = weightier(final, error);
        if (isDeadSignal(latest, error)) {
          this.counts.unrepeatable += 1;
          throw final;
        }
        latest = error;
      } finally {
        call.active = undefined;
      }
    }
  }

  /** The pause before the next attempt; undefined: there is none, and everybody was told why. */
  #delayBefore(call: LiveCall, error: unknown, made: number, previousMs: Ms): Ms | undefined {
    const { attempts, budget, name, maxRetryAfterMs } = this.settings;
    if (!this.#mayRepeat(call, error)) {
      this.counts.unrepeatable += 1;
      return undefined;
    }
    if (made >= attempts) return this.#exhausted("attempts", made, error);
    const askedMs = retryAfterMsOf(error);
    if (askedMs !== undefined && askedMs > maxRetryAfterMs) {
      return this.#exhausted("retry-after", made, error);
    }
    const delayMs = askedMs ?? this.#backoff(made, previousMs, error);
    if (delayMs >= call.remainingMs) {
      const unbounded = call.deadlineMs === Infinity;
      return this.#exhausted(unbounded ? "backoff" : "deadline", made, error);
    }
    if (budget !== undefined && !budget.withdraw()) {
      this.counts.budgetEmpty += 1;
      this.signals.send("budgetEmpty", () => ({ retry: name, attempts: made, error }));
      return undefined;
    }
    this.counts.retries += 1;
    const attempt = call.attempt + 1;
    this.signals.send("retrying", () => ({ retry: name, attempt, delayMs, error }));
    return delayMs;
  }

  #mayRepeat(call: LiveCall, error: unknown): boolean {
    const verdict = this.#verdict(call, error);
    if (verdict !== undefined) return verdict;
    if (isQuorateError(error, "BREAKER_OPEN")) {
      // Whoever set no deadline did not say that he would rather wait than know.
      if (retryAfterMsOf(error) === undefined || call.deadlineMs === Infinity) return false;
    }
    return repeatable(error, call);
  }

  #verdict(call: LiveCall, error: unknown): boolean | undefined {
    const { when } = this.settings;
    if (when === undefined) return undefined;
    try {
      const verdict = when(error, call);
      if (typeof verdict === "boolean" || verdict === undefined) return verdict;
      throw notFollowed("when", verdict, "true, false or undefined");
    } catch (thrown) {
      reportFailure(this.runtime, "when of retry", thrown);
      return undefined;
    }
  }

  #backoff(attempt: number, previousMs: Ms, error: unknown): Ms {
    const step = { attempt, previousMs, random: this.runtime.random.next(), error };
    try {
      const delayMs = this.settings.backoff(step);
      if (typeof delayMs === "number" && delayMs >= 0) return delayMs;
      throw notFollowed("backoff", delayMs, "a duration >= 0 in ms");
    } catch (thrown) {
      reportFailure(this.runtime, "backoff of retry", thrown);
      return DEFAULT_BACKOFF(step);
    }
  }

  #exhausted(reason: ExhaustedReason, attempts: number, error: unknown): undefined {
    this.counts.exhausted += 1;
    const retry = this.settings.name;
    this.signals.send("exhausted", () => ({ retry, attempts, reason, error }));
    return undefined;
  }
}

/** A retry: a policy that can be run alone, put into a `pipe`, listened to and counted. */
export class Retry extends LayeredPolicy {
  readonly #rescue: RetryRescue;

  /** See `retry`. */
  constructor(options: RetryOptions = {}) {
    const rescue = new RetryRescue(retrySettings(options));
    super([rescue], rescue.runtime);
    this.#rescue = rescue;
  }

  /** Counters since it was made. */
  get stats(): RetryStats {
    return { ...this.#rescue.counts };
  }

  /** What its retries are paid from; undefined with `budget: false`. */
  get budget(): RetryBudget | undefined {
    return this.#rescue.settings.budget;
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof RetryEvents>(type: K, listener: (event: RetryEvents[K]) => void): () => void {
    return this.#rescue.signals.on(type, listener);
  }
}

/**
 * A policy that makes failed calls again.
 *
 * Work is `unsafe` unless its call says otherwise, and is then only repeated when the error says
 * that nothing happened: give `repeat: "safe"` or a `key`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of range
 * @example
 * import { retry } from "@quorate/resilience";
 * const policy = retry({ attempts: 4 });
 * let tries = 0;
 * const answer = await policy.run(
 *   () => {
 *     if (++tries < 3) throw new Error("reset by peer");
 *     return 42;
 *   },
 *   { repeat: "safe" },
 * );
 * console.log(answer, tries); // => 42 3
 */
export function retry(options: RetryOptions = {}): Retry {
  return new Retry(options);
}
