/**
 * A retry budget whose floor a whole fleet has in common.
 *
 * A budget has two parts. The share of first attempts is earned by one's own traffic, so that part
 * is fleet-wide by itself: a tenth of each is a tenth of all. The floor, so many retries a second
 * however few the calls, is not: a hundred instances with three each are three hundred retries a
 * second on a dependency that is down. So the floor is lent in slices, to those that need it.
 *
 * Guarantees: of the fleet, retries ≤ ratio × first attempts (of the last `ttlMs`) + perSecond · t
 * + burst + instances, in any time `t`; no store call for a retry, none at all by an instance
 * that does not retry or gets by on what it earned. While the store cannot be reached, the last
 * slice, halved each period.
 *
 * Does not guarantee that the first retry after a quiet time is granted: its slice is asked for
 * when it is needed, and is there a round trip later.
 */
import { type Backend, inRange, knownOptions, type Ms } from "@quorate/core";

import type { RetryBudget } from "../budget.ts";
import { publish } from "../emitter.ts";
import { toUs } from "../rate-units.ts";
import { retryBudget } from "../retry-budget.ts";
import { checkBackend, checkSlices, fleetKey } from "./slice-options.ts";
import { SLICE_OPTIONS, type SliceOptions } from "./slice-options.ts";
import { SlicedBucket } from "./sliced-bucket.ts";

/** Options of `sharedRetryBudget`. */
export interface SharedRetryBudgetOptions extends SliceOptions {
  /** Retries for each first attempt of this instance, 0 to 10. @default 0.1 */
  readonly ratio?: number;
  /** Retries a second of the whole fleet that are granted however few the calls. @default 3 */
  readonly perSecond?: number;
  /** How long a first attempt counts; `perSecond` is saved up for as long. @default 10000 */
  readonly ttlMs?: Ms;
}

/** `quorate:retry-budget.store-lost`: the fleet's floor cannot be asked for or kept. */
export interface RetryBudgetStoreLost {
  readonly budget: string;
  readonly error: unknown;
}

/** A budget that can be closed. */
export interface SharedRetryBudget extends RetryBudget, AsyncDisposable {
  /** Gives the slice back. From then on only what is earned here is granted. Never rejects. */
  close(): Promise<void>;
}

class FleetBudget implements SharedRetryBudget {
  readonly #own: RetryBudget;
  readonly #floor: SlicedBucket;
  readonly #now: () => number;

  constructor(own: RetryBudget, floor: SlicedBucket, now: () => number) {
    this.#own = own;
    this.#floor = floor;
    this.#now = now;
  }

  get balance(): number {
    this.#floor.follow();
    return this.#own.balance + this.#floor.bucket.available(this.#now());
  }

  deposit(): void {
    this.#own.deposit();
  }

  withdraw(): boolean {
    if (this.#own.withdraw()) return true;
    this.#floor.want(1);
    return this.#floor.bucket.take(1, this.#now());
  }

  close(): Promise<void> {
    return this.#floor.tenant.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * A retry budget for `retry({ budget })`, one for each dependency; instances that share a backend's
 * namespace and `name` have one floor. Close it when it is not needed any more.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { sharedRetryBudget } from "@quorate/resilience";
 * const backend = memoryBackend();
 * await using budget = sharedRetryBudget(backend, "billing", { ratio: 0.1, perSecond: 3 });
 * for (let call = 0; call < 320; call++) budget.deposit();
 * console.log(budget.withdraw()); // => true
 */
export function sharedRetryBudget(
  backend: Backend,
  name: string,
  options: SharedRetryBudgetOptions = {},
): SharedRetryBudget {
  const own = ["ratio", "perSecond", "ttlMs"] as const;
  knownOptions("sharedRetryBudget", options, [...own, ...SLICE_OPTIONS]);
  const { ratio, ttlMs = 10_000 } = options;
  const perSecond = inRange("perSecond", options.perSecond ?? 3, 0.001, 1_000_000);
  const { periodMs, maxInstances, onStoreLost } = checkSlices(options);
  const { runtime, kv } = checkBackend(backend);
  const earned = retryBudget({ ratio, perSecond: 0, ttlMs, runtime });
  // In thousandths a second, so that fewer than one a second is a whole number as well.
  const burst = Math.max(1, Math.floor((perSecond * ttlMs) / 1_000));
  const limit = Math.round(perSecond * 1_000);
  const floor = new SlicedBucket(
    { owed: () => 0, changed() {}, storeLost: (error) => storeLost(error) },
    {
      kv,
      runtime,
      key: fleetKey("retries", name),
      terms: { limit, perMs: 1_000_000, burst, maxInstances },
      periodMs,
      onStoreLost,
    },
  );
  const channel = runtime.events.channel<RetryBudgetStoreLost>("retry-budget.store-lost");
  const storeLost = (error: unknown): void => {
    publish(runtime, "retry-budget.store-lost", channel, () => ({ budget: name, error }));
  };
  return new FleetBudget(earned, floor, () => toUs(runtime.time.monotonicMs()));
}
