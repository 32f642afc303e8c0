/**
 * The two clocks of one node, as functions of world time.
 *
 * A quartz runs a little fast or slow; somebody sets the wall clock; a suspended machine's
 * monotonic clock stands still while the wall goes on. Each change is integrated from the moment
 * at which it happens: a rate that were applied to all the past would make the monotonic clock
 * jump, which no machine does, and raise false alarms.
 *
 * Sans-I/O. Guarantees: `steadyUs` never goes back; while the machine is awake `worldUs` inverts
 * it.
 */

/** Clocks of one node; all values in microseconds, fractions allowed. */
export class NodeClock {
  #anchorUs = 0;
  #steadyUs = 0;
  #wallUs: number;
  #rate = 1;
  #isAsleep = false;

  /** `wallUs`: since 1970. The monotonic clock starts at zero. */
  constructor(wallUs: number) {
    this.#wallUs = wallUs;
  }

  /** Microseconds of this clock in one of the world. */
  get rate(): number {
    return this.#rate;
  }

  /** The monotonic clock at world time `nowUs`. */
  steadyUs(nowUs: number): number {
    return this.#isAsleep ? this.#steadyUs : this.#steadyUs + (nowUs - this.#anchorUs) * this.#rate;
  }

  /** The wall clock at world time `nowUs`, since 1970. */
  wallUs(nowUs: number): number {
    return this.#wallUs + (nowUs - this.#anchorUs) * this.#rate;
  }

  /** When the monotonic clock will show `steadyUs`; `undefined` while the machine sleeps. */
  worldUs(steadyUs: number): number | undefined {
    if (this.#isAsleep) return undefined;
    return this.#anchorUs + (steadyUs - this.#steadyUs) / this.#rate;
  }

  /** From `nowUs` on both clocks run at `rate`. */
  setRate(nowUs: number, rate: number): void {
    this.#anchor(nowUs);
    this.#rate = rate;
  }

  /** Somebody sets the wall clock; negative: back. */
  jump(nowUs: number, byUs: number): void {
    this.#anchor(nowUs);
    this.#wallUs += byUs;
  }

  /** The machine is suspended. */
  sleep(nowUs: number): void {
    this.#anchor(nowUs);
    this.#isAsleep = true;
  }

  /** The machine goes on; one that was awake stays so. */
  wake(nowUs: number): void {
    this.#anchor(nowUs);
    this.#isAsleep = false;
  }

  #anchor(nowUs: number): void {
    const steadyUs = this.steadyUs(nowUs);
    this.#wallUs = this.wallUs(nowUs);
    this.#steadyUs = steadyUs;
    this.#anchorUs = nowUs;
  }
}
