/**
 * A percentile of recent durations: what is an unusually long wait for this dependency?
 *
 * The last `size` durations are kept in a ring, and a sorted copy of them is made afresh after
 * every sixteenth. Exact for what it remembers, forgets what is older, and costs a store per
 * duration; an estimator without memory of the past cannot forget a bad hour.
 *
 * Pure: durations come in, a percentile by nearest rank comes out.
 */
import { inRange, type Ms, positiveInteger } from "@quorate/core";

/** Durations that must be known before a percentile is worth anything. */
const ENOUGH = 20;
/** Additions between two sorts. */
const REFRESH = 16;

/**
 * The last durations.
 *
 * @example
 * import { RecentDurations } from "@quorate/resilience";
 * const recent = new RecentDurations(100);
 * for (let ms = 1; ms <= 100; ms++) recent.add(ms);
 * console.log(recent.percentile(0.95)); // => 95
 */
export class RecentDurations {
  readonly #size: number;
  readonly #ring: number[] = [];
  #oldest = 0;
  #sorted: readonly number[] = [];
  #unsorted = 0;

  /** Remembers `size` durations: 20 to 10_000. */
  constructor(size = 128) {
    this.#size = inRange("size", positiveInteger("size", size), ENOUGH, 10_000);
  }

  /** Remembers one, and forgets the oldest if there are too many. */
  add(ms: Ms): void {
    this.#ring[this.#oldest] = ms;
    this.#oldest = (this.#oldest + 1) % this.#size;
    this.#unsorted += 1;
  }

  /** The duration that a `share` of those remembered did not exceed; undefined: too few. */
  percentile(share: number): Ms | undefined {
    if (this.#ring.length < ENOUGH) return undefined;
    if (this.#unsorted >= REFRESH || this.#sorted.length < ENOUGH) {
      this.#sorted = this.#ring.toSorted((one, other) => one - other);
      this.#unsorted = 0;
    }
    const rank = Math.max(1, Math.ceil(share * this.#sorted.length));
    return this.#sorted[rank - 1];
  }
}
