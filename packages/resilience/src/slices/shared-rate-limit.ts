/**
 * A rate limit that a whole fleet keeps, without asking the store for each call.
 *
 * The fleet's record lends each instance a slice of the rate for a lease, by how much it could have
 * used lately; within its slice an instance decides alone. An instance that was idle asks the store
 * once, at its first call, which waits for the answer (at most a period).
 *
 * Guarantees: in any time `t` the fleet gives at most `burst + instances + limit · t / perMs`
 * permits, as long as clocks run at rates within 2 % of each other and the store keeps what it has
 * acknowledged. An instance that cannot renew stops using its slice before others may have it, but
 * for what `onStoreLost` allows beyond. Under even and under skewed demand at least 90 % of the
 * limit is used after a few periods.
 *
 * Does not guarantee: exactness at low volumes, where an instance more is a permit more; use
 * `exactRateLimit` there. Nor first come, first served across instances. Instances may be
 * configured differently (a deployment under way): slices are shares, each of its own limit.
 */
import { type Backend, knownOptions, Lifecycle, type Ms, type Runtime } from "@quorate/core";

import type { Call } from "../call.ts";
import type { Guard, Permit } from "../layer.ts";
import { Signals } from "../limit-signals.ts";
import type { LiveCall } from "../live-call.ts";
import { LayeredPolicy } from "../policy.ts";
import { RATE_LIMIT, type RateLimitEvents, refusals } from "../rate-events.ts";
import { type LineKeeper, type RateCounts, RateLine } from "../rate-line.ts";
import { type CheckedRate, checkCost, checkRate, costOf, RATE_OPTIONS } from "../rate-options.ts";
import type { RateOptions } from "../rate-options.ts";
import { PARTS } from "./fleet-record.ts";
import { checkBackend, type CheckedSlices, checkSlices, fleetKey } from "./slice-options.ts";
import { SLICE_OPTIONS, type SliceOptions } from "./slice-options.ts";
import { SlicedBucket } from "./sliced-bucket.ts";

/** Options of `sharedRateLimit`; the limit is that of the whole fleet. */
export interface SharedRateLimitOptions extends RateOptions, SliceOptions {}

/** This instance's share of what the fleet has. */
export interface SliceChanged {
  readonly limiter: string;
  /** From 0 to 1. */
  readonly share: number;
  /** Instances with a slice, when the record was last read. */
  readonly instances: number;
}

/** The store could not be asked; what that means, `onStoreLost` says. */
export interface SliceStoreLost {
  readonly limiter: string;
  /** The error's code, or what was thrown. */
  readonly error: unknown;
}

/** What listeners of a shared limit hear. */
export interface SharedRateLimitEvents extends RateLimitEvents {
  /** The share was changed. Also on the channel `quorate:rate-limit.slice-changed`. */
  sliceChanged: SliceChanged;
  /** A renewal failed. Also on the channel `quorate:rate-limit.store-lost`. */
  storeLost: SliceStoreLost;
}

/** Counters and state of a shared limit. */
export interface SharedRateLimitStats extends Readonly<RateCounts> {
  /** Calls in line now. */
  readonly waiting: number;
  /** This instance's share of the limit now, from 0 to 1. */
  readonly share: number;
  /** Instances with a slice, when the record was last read. */
  readonly instances: number;
  /** Whether the share is held by right: its lease has not run out. */
  readonly isRightful: boolean;
}

class SharedGuard implements Guard, LineKeeper {
  readonly kind = "guard";
  readonly rank = "limit";
  readonly runtime: Runtime;
  readonly counts: RateCounts = { passed: 0, waited: 0, refused: 0 };
  readonly waitMs: Ms;
  readonly maxWaiting: number;
  readonly burst: number;
  readonly signals: Signals<SharedRateLimitEvents>;
  readonly lifecycle: Lifecycle;
  readonly line: RateLine;
  readonly sliced: SlicedBucket;
  readonly #name: string;
  readonly #periodMs: Ms;
  readonly #cost: ((call: Call) => number) | undefined;
  readonly #refusal: (retryAfterMs: Ms) => unknown;
  #parts = 0;

  constructor(backend: Backend, name: string, options: CheckedRate & CheckedSlices) {
    const { runtime, kv } = backend;
    this.runtime = runtime;
    this.waitMs = options.waitMs;
    this.maxWaiting = options.maxWaiting;
    this.burst = options.terms.burst;
    this.#name = name;
    this.#periodMs = options.periodMs;
    this.#cost = options.cost;
    this.signals = new Signals(runtime, RATE_LIMIT);
    this.lifecycle = new Lifecycle(`the shared rate limit ${name}`, runtime);
    const { terms } = options;
    this.#refusal = refusals({ name, terms, signals: this.signals });
    const { periodMs, maxInstances, onStoreLost } = options;
    const key = fleetKey("rates", name);
    this.sliced = new SlicedBucket(
      {
        owed: () => this.line.owed,
        changed: () => this.#changed(),
        storeLost: (error) => this.#lost(error),
      },
      { kv, runtime, key, terms: { ...terms, maxInstances }, periodMs, onStoreLost },
    );
    this.line = new RateLine(this, this.sliced.bucket);
  }

  enter(call: LiveCall): Permit | Promise<Permit> {
    this.lifecycle.assertOpen();
    const cost = costOf(call, this.#cost, this.burst, this.runtime);
    this.sliced.want(cost);
    return this.line.enter(call, cost);
  }

  succeed(): void {}

  fail(): void {}

  cancel(permit: Permit): void {
    this.line.giveBack(permit as number);
  }

  /** One whose first slice is on its way waits for it, however impatient. */
  settingMs(): Ms {
    return this.sliced.tenant.isSetting ? this.#periodMs : 0;
  }

  follow(): void {
    this.sliced.follow();
  }

  /** Without a slice nobody knows; the next renewal will. */
  refusal(retryAfterMs: Ms): unknown {
    return this.#refusal(Number.isFinite(retryAfterMs) ? retryAfterMs : this.#periodMs);
  }

  close(): Promise<void> {
    return this.lifecycle.close(0, async () => {
      this.line.close(this.lifecycle.closedError());
      await this.sliced.tenant.close();
    });
  }

  #changed(): void {
    this.line.reprice();
    const { parts, tenant } = this.sliced;
    if (parts === this.#parts) return;
    this.#parts = parts;
    const { instances } = tenant;
    const share = parts / PARTS;
    this.signals.send("sliceChanged", () => ({ limiter: this.#name, share, instances }));
  }

  #lost(error: unknown): void {
    this.signals.send("storeLost", () => ({ limiter: this.#name, error }));
  }
}

/**
 * A fleet's rate limit: a policy, and a limiter by itself. Close it when it is not needed any more:
 * others then have its slice at once instead of after a lease.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { sharedRateLimit } from "@quorate/resilience";
 * const backend = memoryBackend();
 * await using limiter = sharedRateLimit(backend, "partner-api", { limit: 100, perMs: 1_000 });
 * console.log(await limiter.run(() => "asked")); // => asked
 */
export class SharedRateLimiter extends LayeredPolicy implements AsyncDisposable {
  readonly #guard: SharedGuard;

  /** Made by `sharedRateLimit`. */
  constructor(backend: Backend, name: string, options: CheckedRate & CheckedSlices) {
    const guard = new SharedGuard(backend, name, options);
    super([guard], backend.runtime);
    this.#guard = guard;
  }

  /**
   * Takes `cost` permits of this instance's slice if they are there and nobody waits for them.
   * Never waits: false, too, where this instance was idle and has no slice yet; it asks for one.
   * @throws INVALID_ARGUMENT a cost above the burst could never be paid
   * @throws CLOSED
   */
  tryTake(cost = 1): boolean {
    const { lifecycle, sliced, line, burst } = this.#guard;
    lifecycle.assertOpen();
    sliced.want(checkCost(cost, burst));
    return line.tryTake(cost);
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof SharedRateLimitEvents>(
    type: K,
    listener: (event: SharedRateLimitEvents[K]) => void,
  ): () => void {
    return this.#guard.signals.on(type, listener);
  }

  /** Counters since the beginning, and the slice as it is now. */
  get stats(): SharedRateLimitStats {
    const { counts, line, sliced } = this.#guard;
    const { usable, instances, isRightful } = sliced.tenant;
    return { ...counts, waiting: line.waiting, share: usable / PARTS, instances, isRightful };
  }

  /** Refuses new calls with `CLOSED`, sends those in line away, gives the slice back. */
  close(): Promise<void> {
    return this.#guard.close();
  }

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * A policy that lets `limit` calls of a whole fleet through for each `perMs`; all instances that
 * share a backend's namespace and `name` are one fleet. Refuses others with `RATE_LIMITED`.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be
 */
export function sharedRateLimit(
  backend: Backend,
  name: string,
  options: SharedRateLimitOptions,
): SharedRateLimiter {
  knownOptions("sharedRateLimit", options, [...RATE_OPTIONS, ...SLICE_OPTIONS]);
  const checked = { ...checkRate(options, options.limit), ...checkSlices(options) };
  return new SharedRateLimiter(checkBackend(backend), name, checked);
}
