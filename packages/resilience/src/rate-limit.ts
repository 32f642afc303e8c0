/**
 * Rate limit: at most so many calls in so much time, in this process.
 *
 * For what must not be asked more often: a partner's API with a quota, a user who may send ten
 * messages a minute. It limits how often work begins; how much of it runs at once is a bulkhead's
 * business. As a policy in a pipe, or by itself: `limiter.tryTake()`.
 *
 * Guarantees: in any time `t` at most `burst + limit · t / perMs` permits are given, and never
 * fewer than that allows; counted in whole numbers, so nothing drifts. With `waitMs` calls wait in
 * the order of their arrival; one that would wait longer, or beyond its deadline, is refused at
 * once with `RATE_LIMITED`, and told when to come back. A permit whose call was stopped further in
 * (an open breaker) is given back.
 *
 * Does not guarantee anything beyond this process: see `sharedRateLimit`.
 */
import { invalidArgument, knownOptions, type Ms, type Runtime } from "@quorate/core";

import type { Call } from "./call.ts";
import { reportFailure } from "./emitter.ts";
import { Gcra } from "./gcra.ts";
import type { Guard, Permit } from "./layer.ts";
import { Signals } from "./limit-signals.ts";
import type { LiveCall } from "./live-call.ts";
import { LayeredPolicy } from "./policy.ts";
import { RATE_LIMIT, type RateLimitEvents, refusals } from "./rate-events.ts";
import { KeyedLines, MAX_KEY_LENGTH } from "./rate-keys.ts";
import { type LineKeeper, type RateCounts, RateLine } from "./rate-line.ts";
import {
  type CheckedRateLimit,
  checkCost,
  checkRateLimit,
  costOf,
  RATE_OPTIONS,
  type RateLimitOptions,
} from "./rate-options.ts";
import { type Rate, rateOf, toUs } from "./rate-units.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Counters of a rate limit. */
export interface RateLimitStats extends Readonly<RateCounts> {
  /** Calls in line now. */
  readonly waiting: number;
  /** Keys that are remembered; 1 without keys. */
  readonly keys: number;
}

/** Permits of one key, and what they cost. */
interface KeyedPermit {
  readonly line: RateLine;
  readonly cost: number;
}

class RateGuard implements Guard, LineKeeper {
  readonly kind = "guard";
  readonly rank = "limit";
  readonly runtime: Runtime;
  readonly counts: RateCounts = { passed: 0, waited: 0, refused: 0 };
  readonly waitMs: Ms;
  readonly maxWaiting: number;
  readonly signals: Signals<RateLimitEvents>;
  readonly refusal: (retryAfterMs: Ms) => unknown;
  readonly burst: number;
  readonly keyed: KeyedLines | undefined;
  readonly single: RateLine;
  readonly #rate: Rate;
  readonly #isGcra: boolean;
  readonly #key: ((call: Call) => string) | undefined;
  readonly #cost: ((call: Call) => number) | undefined;

  constructor(options: CheckedRateLimit) {
    this.runtime = options.runtime;
    this.waitMs = options.waitMs;
    this.maxWaiting = options.maxWaiting;
    this.burst = options.terms.burst;
    this.#rate = rateOf(options.terms);
    this.#isGcra = options.algorithm === "gcra";
    this.#key = options.key;
    this.#cost = options.cost;
    this.signals = new Signals(options.runtime, RATE_LIMIT);
    this.refusal = refusals({ ...options, signals: this.signals });
    const make = (): RateLine => this.#line();
    this.keyed = options.key === undefined ? undefined : new KeyedLines(options.maxKeys, make);
    this.single = make();
  }

  enter(call: LiveCall): Permit | Promise<Permit> {
    const cost = costOf(call, this.#cost, this.burst, this.runtime);
    if (this.keyed === undefined) return this.single.enter(call, cost);
    const line = this.lineOf(this.#keyOf(call));
    const paid = line.enter(call, cost);
    const permit: KeyedPermit = { line, cost };
    return paid instanceof Promise ? paid.then(() => permit) : permit;
  }

  succeed(): void {}

  fail(): void {}

  cancel(permit: Permit): void {
    if (typeof permit === "number") return this.single.giveBack(permit);
    const { line, cost } = permit as KeyedPermit;
    line.giveBack(cost);
  }

  lineOf(key: string): RateLine {
    if (this.keyed === undefined) return this.single;
    return this.keyed.line(key, this.runtime.time.monotonicMs());
  }

  #line(): RateLine {
    const nowUs = toUs(this.runtime.time.monotonicMs());
    const meter = this.#isGcra ? new Gcra(this.#rate, nowUs) : new TokenBucket(this.#rate, nowUs);
    return new RateLine(this, meter);
  }

  #keyOf(call: LiveCall): string {
    try {
      const key: unknown = this.#key?.(call);
      if (typeof key === "string" && key.length <= MAX_KEY_LENGTH) return key;
      throw new TypeError(`key must be a string of at most ${MAX_KEY_LENGTH} characters`);
    } catch (error) {
      reportFailure(this.runtime, "key", error);
      return "";
    }
  }
}

/**
 * A rate limit: a policy, and a limiter by itself.
 *
 * @example
 * import { rateLimit } from "@quorate/resilience";
 * const limiter = rateLimit({ limit: 2, perMs: 60_000 });
 * console.log(limiter.tryTake(), limiter.tryTake(), limiter.tryTake()); // => true true false
 */
export class RateLimiter extends LayeredPolicy {
  readonly #guard: RateGuard;

  /** Made by `rateLimit`. */
  constructor(options: CheckedRateLimit) {
    const guard = new RateGuard(options);
    super([guard], options.runtime);
    this.#guard = guard;
  }

  /**
   * Takes `cost` permits (of `key`, where the limit has keys) if they are there and nobody waits
   * for them; never waits. @throws INVALID_ARGUMENT a cost above the burst could never be paid
   */
  tryTake(cost = 1, key = ""): boolean {
    return this.#guard.lineOf(checkKey(key)).tryTake(checkCost(cost, this.#guard.burst));
  }

  /** Time until `cost` permits could be taken at once, if nobody else takes any; 0: now. */
  retryAfterMs(cost = 1, key = ""): Ms {
    return this.#guard.lineOf(checkKey(key)).retryAfterMs(checkCost(cost, this.#guard.burst));
  }

  /** Permits that could be taken now, for a header such as `RateLimit-Remaining`. */
  available(key = ""): number {
    return this.#guard.lineOf(checkKey(key)).available();
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof RateLimitEvents>(
    type: K,
    listener: (event: RateLimitEvents[K]) => void,
  ): () => void {
    return this.#guard.signals.on(type, listener);
  }

  /** Counters since the beginning. */
  get stats(): RateLimitStats {
    const { counts, keyed, single } = this.#guard;
    return { ...counts, waiting: (keyed ?? single).waiting, keys: keyed?.size ?? 1 };
  }
}

function checkKey(key: string): string {
  if (typeof key === "string" && key.length <= MAX_KEY_LENGTH) return key;
  throw invalidArgument("key", key, `a string of at most ${MAX_KEY_LENGTH} characters`);
}

/**
 * A policy that lets `limit` calls through for each `perMs`, and refuses others with
 * `RATE_LIMITED` (effect `none`, with `retryAfterMs`), or has them wait up to `waitMs`.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be
 * @example
 * import { rateLimit } from "@quorate/resilience";
 * const polite = rateLimit({ limit: 10, perMs: 1_000, waitMs: 500 });
 * const answer = await polite.run(() => 42);
 */
export function rateLimit(options: RateLimitOptions): RateLimiter {
  const own = ["name", "algorithm", "key", "maxKeys", "runtime"] as const;
  return new RateLimiter(
    checkRateLimit(knownOptions("rateLimit", options, [...RATE_OPTIONS, ...own])),
  );
}
