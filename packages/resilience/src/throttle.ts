/**
 * Client-side throttling: hold back what would be refused anyway.
 *
 * Refusing costs a server as well, and one that does nothing but refuse is down. So a client that
 * sees many of its calls refused drops a share of them itself, at random, before they are sent:
 *
 *     max(0, (requests - K × accepts) / (requests + 1))
 *
 * over the last two minutes. With K = 2 it sends about twice what the server accepts: enough to
 * notice at once when that becomes more.
 *
 * A call is counted when it ends, as a request, and as an accept unless it was refused; the calls
 * that this client drops itself are requests too. Counting at the start, as the formula is often
 * read, would take every call in flight for a refusal: of the first two calls at once the second
 * would be dropped at even odds. The price is that an outage is noticed a round trip later. The
 * window must be longer than the longest call, else accepts outlive their requests.
 *
 * Guarantees: nothing is dropped while at least one in K calls is accepted; never all are, so that
 * recovery is noticed. Does not guarantee a rate: see `rateLimit`.
 *
 * Beyer et al., "Site Reliability Engineering", chapter 21 (Handling Overload). A departure: the
 * share is capped by `maxRefusalRate`; uncapped, a client that saw two minutes of nothing but
 * refusals sends one call in two minutes.
 */
import {
  boundedString,
  callable,
  inRange,
  knownOptions,
  type Ms,
  positive,
  type Runtime,
  show,
  systemRuntime,
} from "@quorate/core";

import { MAX_NAME_BYTES } from "./bulkhead.ts";
import type { Outcome } from "./classify.ts";
import { reportFailure } from "./emitter.ts";
import type { Guard, Permit } from "./layer.ts";
import { Signals } from "./limit-signals.ts";
import type { LiveCall } from "./live-call.ts";
import { LayeredPolicy } from "./policy.ts";
import { rejection } from "./rejection.ts";
import { isShedSign } from "./shed-signs.ts";
import { ThrottleWindow } from "./throttle-window.ts";

/** Options of `throttle`. */
export interface ThrottleOptions {
  /** K: calls sent per call accepted; 1 to 100. Lower holds back sooner, errs more. @default 2 */
  readonly ratio?: number;
  /** Time over which calls are counted, longer than the longest call. @default 120_000 */
  readonly windowMs?: Ms;
  /** Largest share that is held back; 0 to 1. @default 0.95 */
  readonly maxRefusalRate?: number;
  /**
   * Whether the dependency refused the call.
   * @default errors OVERLOADED, RATE_LIMITED, BULKHEAD_FULL, THROTTLED, TIMEOUT, status 429 and 503
   */
  readonly refused?: (outcome: Outcome) => boolean;
  /** Its name in errors and events. @default "throttle" */
  readonly name?: string;
  /** Where time and chance come from. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** What happens to a throttle. Channel: `quorate:throttle.rejected`. */
export interface ThrottleEvents {
  /** A call was held back. */
  readonly rejected: { readonly throttle: string; readonly refusalRate: number };
}

/** Figures of a throttle. */
export interface ThrottleStats {
  /** Share of the calls that is held back now. */
  readonly refusalRate: number;
  /** Calls of the window, those held back among them. */
  readonly requests: number;
  /** Calls of the window that the dependency accepted. */
  readonly accepts: number;
  /** Calls held back, since the start. */
  readonly rejected: number;
}

/** The guard inside. */
class ThrottleGuard implements Guard {
  readonly kind = "guard";
  readonly rank = "limit";
  readonly runtime: Runtime;
  readonly name: string;
  readonly signals: Signals<ThrottleEvents>;
  rejected = 0;
  readonly #window: ThrottleWindow;
  readonly #ratio: number;
  readonly #maxRefusalRate: number;
  readonly #refused: ((outcome: Outcome) => boolean) | undefined;

  constructor(options: ThrottleOptions) {
    this.runtime = options.runtime ?? systemRuntime;
    this.name = boundedString("name", options.name ?? "throttle", MAX_NAME_BYTES);
    this.signals = new Signals(this.runtime, "throttle");
    this.#window = new ThrottleWindow(positive("windowMs", options.windowMs ?? 120_000));
    this.#ratio = inRange("ratio", options.ratio ?? 2, 1, 100);
    this.#maxRefusalRate = inRange("maxRefusalRate", options.maxRefusalRate ?? 0.95, 0, 1);
    if (options.refused !== undefined) this.#refused = callable("refused", options.refused);
  }

  get stats(): ThrottleStats {
    this.#window.forget(this.runtime.time.monotonicMs());
    const { requests, accepts } = this.#window;
    return { refusalRate: this.#refusalRate(), requests, accepts, rejected: this.rejected };
  }

  enter(): Permit {
    // No clock is read while enough is accepted. The sums may then be as old as the last call that
    // ended; that errs towards sending one call.
    if (this.#refusalRate() === 0) return undefined;
    const nowMs = this.runtime.time.monotonicMs();
    this.#window.forget(nowMs);
    const refusalRate = this.#refusalRate();
    if (this.runtime.random.next() >= refusalRate) return undefined;
    this.#window.count(nowMs, false);
    this.rejected += 1;
    const throttle = this.name;
    this.signals.send("rejected", () => ({ throttle, refusalRate }));
    const share = (refusalRate * 100).toFixed(0);
    const message = `throttle ${show(throttle)} holds back ${share} % of calls: too many fail`;
    throw rejection("THROTTLED", message, { throttle, refusalRate });
  }

  succeed(_permit: Permit, _call: LiveCall, value: unknown): void {
    const accepted = this.#refused === undefined || !this.#isRefused({ ok: true, value });
    this.#window.count(this.runtime.time.monotonicMs(), accepted);
  }

  fail(_permit: Permit, call: LiveCall, error: unknown): void {
    // A caller that has lost interest has not heard what the dependency would have said.
    if (call.isCancelled) return;
    const accepted = !this.#isRefused({ ok: false, error });
    this.#window.count(this.runtime.time.monotonicMs(), accepted);
  }

  cancel(): void {
    // Not sent: neither a request nor an accept.
  }

  #refusalRate(): number {
    const { requests, accepts } = this.#window;
    const rate = (requests - this.#ratio * accepts) / (requests + 1);
    return rate <= 0 ? 0 : Math.min(rate, this.#maxRefusalRate);
  }

  #isRefused(outcome: Outcome): boolean {
    const usual = !outcome.ok && isShedSign(outcome.error);
    if (this.#refused === undefined) return usual;
    try {
      return this.#refused(outcome);
    } catch (error) {
      reportFailure(this.runtime, "refused", error);
      return usual;
    }
  }
}

/** A client's throttle: a policy with figures and events. Made by `throttle`. */
export class Throttle extends LayeredPolicy {
  readonly #guard: ThrottleGuard;

  /** See `throttle`. */
  constructor(options: ThrottleOptions = {}) {
    const guard = new ThrottleGuard(options);
    super([guard]);
    this.#guard = guard;
  }

  /** Its name in errors and events. */
  get name(): string {
    return this.#guard.name;
  }

  /** Its figures now. */
  get stats(): ThrottleStats {
    return this.#guard.stats;
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof ThrottleEvents>(
    type: K,
    listener: (event: ThrottleEvents[K]) => void,
  ): () => void {
    return this.#guard.signals.on(type, listener);
  }
}

/**
 * A policy that drops a share of the calls by itself while the dependency refuses too many.
 *
 * One per dependency, shared by all callers: it needs to see them all.
 *
 * @throws INVALID_ARGUMENT (at construction) an option is out of its range
 * @throws THROTTLED (a call, effect none) it was held back; `details.refusalRate` is the share
 * @example
 * import { throttle } from "@quorate/resilience";
 * const polite = throttle({ name: "billing" });
 * const answer = await polite.run(async () => 42);
 * console.log(answer, polite.stats.refusalRate); // => 42 0
 */
export function throttle(options: ThrottleOptions = {}): Throttle {
  knownOptions("throttle", options, [
    "ratio",
    "windowMs",
    "maxRefusalRate",
    "refused",
    "name",
    "runtime",
  ]);
  return new Throttle(options);
}
