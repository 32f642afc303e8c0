/**
 * Fallback: a poorer answer instead of none.
 *
 * Outermost in a pipe, so that it stands in for whatever failed inside: the dependency, the breaker
 * in front of it, or the time that ran out. Not for what is an answer itself (a refusal, the
 * caller's own mistake), and never for a call that its caller has cancelled.
 *
 * Guarantees: if the fallback fails, throws or is late, the caller gets the original error,
 * untouched, and the other is reported. Does not guarantee that the call did not happen: the value
 * of a fallback hides the error and its effect; listen to `degraded`.
 */
import {
  boundedString,
  callable,
  knownOptions,
  type Ms,
  type Runtime,
  systemRuntime,
} from "@quorate/core";

import { attempt } from "./attempt.ts";
import type { Call } from "./call.ts";
import { classifyError } from "./classify.ts";
import { reportFailure } from "./emitter.ts";
import type { Rescue } from "./layer.ts";
import { Signals } from "./limit-signals.ts";
import { LiveCall } from "./live-call.ts";
import { LayeredPolicy } from "./policy.ts";
import { isRejection } from "./rejection.ts";
import { notFollowed } from "./retry-answer.ts";

/** Makes the poorer answer. `call` has the deadline and the cancel of the call that failed. */
export type FallbackWork = (error: unknown, call: Call) => unknown;

/** Options of `fallback` and of `lastGood`. */
export interface FallbackOptions {
  /**
   * Whether to stand in for `error`. One that throws, or says neither true nor false, is not
   * followed. @default for faults and for rejections of our own policies, not for answers
   */
  readonly when?: ((error: unknown, call: Call) => boolean) | undefined;
  /** Its name in events. @default "fallback" or "lastGood" */
  readonly name?: string | undefined;
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/** A poorer answer was given. */
export interface DegradedEvent {
  readonly fallback: string;
  /** What it stood in for. */
  readonly error: unknown;
  /** How old the answer is, if it was remembered. */
  readonly ageMs: Ms | undefined;
}

/** Events of a fallback, for `fallback.on`; on the runtime's channels `fallback.<name>`. */
export interface FallbackEvents {
  /** A poorer answer was given. */
  readonly degraded: DegradedEvent;
}

/** Counters since the policy was made. */
export interface FallbackStats {
  /** Poorer answers. */
  readonly degraded: number;
  /** Failures that it did not stand in for. */
  readonly passed: number;
  /** Failures for which it had no answer, or failed itself. */
  readonly failed: number;
}

/** After the deadline a fallback may answer from memory, but wait for nothing. */
const TURN_MS = 1;

/** Whether to stand in, and the news of it: what all fallbacks have in common. */
export class Degrading {
  readonly runtime: Runtime;
  readonly name: string;
  readonly signals: Signals<FallbackEvents>;
  readonly counts: { -readonly [K in keyof FallbackStats]: number } = {
    degraded: 0,
    passed: 0,
    failed: 0,
  };
  readonly #when: FallbackOptions["when"];

  constructor(options: FallbackOptions, name: string) {
    this.runtime = options.runtime ?? systemRuntime;
    this.name = boundedString("name", options.name ?? name, 256);
    this.#when = options.when === undefined ? undefined : callable("when", options.when);
    this.signals = new Signals(this.runtime, "fallback");
  }

  /** Throws `error` if nothing is to stand in for it, and the caller's reason after a cancel. */
  admit(call: LiveCall, error: unknown): void {
    if (!call.isCancelled && !this.#wanted(call, error)) {
      this.counts.passed += 1;
      throw error;
    }
    if (call.isCancelled) call.check(); // Asked last: `when` may have cancelled.
  }

  /** Counts and tells of a poorer answer. */
  degraded(error: unknown, ageMs?: Ms): void {
    this.counts.degraded += 1;
    this.signals.send("degraded", () => ({ fallback: this.name, error, ageMs }));
  }

  #wanted(call: LiveCall, error: unknown): boolean {
    if (this.#when !== undefined) {
      try {
        const verdict: unknown = this.#when(error, call);
        if (typeof verdict === "boolean") return verdict;
        throw notFollowed("when", verdict, "true or false");
      } catch (thrown) {
        reportFailure(this.runtime, `when of ${this.name}`, thrown);
      }
    }
    return isRejection(error) || classifyError(error, call) === "fault";
  }
}

class FallbackRescue implements Rescue {
  readonly kind = "rescue";
  readonly rank = "fallback";
  readonly runtime: Runtime;
  readonly degrading: Degrading;
  readonly #instead: unknown;

  constructor(instead: unknown, options: FallbackOptions) {
    this.degrading = new Degrading(options, "fallback");
    this.runtime = this.degrading.runtime;
    this.#instead = instead;
  }

  begin(): void {}

  async recover(call: LiveCall, error: unknown): Promise<unknown> {
    this.degrading.admit(call, error);
    const instead = this.#instead;
    let value = instead;
    if (typeof instead === "function") {
      const substitute = new LiveCall(
        this.runtime,
        (own) => (instead as FallbackWork)(error, own),
        undefined,
        call,
        call.attempt,
      );
      substitute.mayEnd = true;
      const nowMs = this.runtime.time.monotonicMs();
      substitute.deadlineMs = Math.max(call.deadlineMs, nowMs + TURN_MS);
      call.active = substitute;
      try {
        value = await attempt(substitute);
      } catch (thrown) {
        if (call.isCancelled) call.check();
        this.degrading.counts.failed += 1;
        reportFailure(this.runtime, this.degrading.name, thrown);
        throw error;
      } finally {
        call.active = undefined;
      }
    }
    this.degrading.degraded(error);
    return value;
  }
}

/** A fallback: a policy that can be run alone, put into a `pipe`, listened to and counted. */
export class Fallback extends LayeredPolicy {
  readonly #degrading: Degrading;

  /** See `fallback`. */
  constructor(instead: unknown, options: FallbackOptions = {}) {
    const rescue = new FallbackRescue(instead, options);
    super([rescue], rescue.runtime);
    this.#degrading = rescue.degrading;
  }

  /** Counters since it was made. */
  get stats(): FallbackStats {
    return { ...this.#degrading.counts };
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof FallbackEvents>(
    type: K,
    listener: (event: FallbackEvents[K]) => void,
  ): () => void {
    return this.#degrading.signals.on(type, listener);
  }
}

/**
 * A policy that answers with `instead` when the call fails: a function of the error, or a value.
 *
 * A function may wait until the call's deadline; if that has passed it may still answer from
 * memory. To answer with a function, return it from one.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of range
 * @example
 * import { fallback } from "@quorate/resilience";
 * const policy = fallback({ stars: 0 });
 * const rating = await policy.run(() => {
 *   throw new Error("ratings are down");
 * });
 * console.log(rating); // => { stars: 0 }
 */
export function fallback(instead: unknown, options: FallbackOptions = {}): Fallback {
  knownOptions("fallback", options, ["when", "name", "runtime"]);
  return new Fallback(instead, options);
}
