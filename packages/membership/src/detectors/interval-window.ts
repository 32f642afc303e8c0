/**
 * Mean and deviation of the last so many numbers, kept up to date in constant time.
 *
 * The textbook shortcut, mean of squares less square of mean, cancels: for constant intervals with
 * a fraction it comes out below zero about half the time, its root is NaN, and `NaN < threshold` is
 * false, so that a metronome would be found dead. This is Welford's recurrence with removal; once a
 * turn of the window both are summed afresh, so that rounding does not add up.
 *
 * Welford, "Note on a method for calculating corrected sums of squares and products", 1962.
 */

/** A window over numbers. Memory: eight bytes each. */
export class IntervalWindow {
  readonly #values: Float64Array;
  #count = 0;
  #next = 0;
  #mean = 0;
  /** Sum of the squared differences from the mean. */
  #squares = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size);
  }

  /** How many numbers it holds. */
  get count(): number {
    return this.#count;
  }

  /** 0 for an empty window. */
  get mean(): number {
    return this.#mean;
  }

  /** Of the whole population; never NaN, 0 for fewer than two. */
  get deviation(): number {
    return this.#count < 2 ? 0 : Math.sqrt(this.#squares / this.#count);
  }

  /** Adds a number; of a full window the oldest goes. */
  add(value: number): void {
    const values = this.#values;
    const isFull = this.#count === values.length;
    const oldest = values[this.#next] ?? 0;
    values[this.#next] = value;
    this.#next = (this.#next + 1) % values.length;
    if (isFull && this.#next === 0) return this.#sumAfresh();
    const before = this.#mean;
    if (isFull) {
      this.#mean += (value - oldest) / this.#count;
      this.#squares += (value - oldest) * (value - this.#mean + oldest - before);
    } else {
      this.#count += 1;
      this.#mean += (value - before) / this.#count;
      this.#squares += (value - before) * (value - this.#mean);
    }
    this.#squares = Math.max(0, this.#squares);
  }

  /** Forgets all. */
  clear(): void {
    this.#count = 0;
    this.#next = 0;
    this.#mean = 0;
    this.#squares = 0;
  }

  #sumAfresh(): void {
    let sum = 0;
    for (const value of this.#values) sum += value;
    this.#mean = sum / this.#count;
    this.#squares = 0;
    for (const value of this.#values) this.#squares += (value - this.#mean) ** 2;
  }
}
