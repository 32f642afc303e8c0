/**
 * Windows: what the last calls were like, in constant memory.
 *
 * One forgets by time, one by number. The one by time is a ring of buckets indexed by absolute
 * time: whoever comes after a pause of any length finds all buckets that time has passed over
 * empty, without a timer having turned them. The one by number packs fifteen outcomes into a word.
 *
 * Guarantees: the sums are exact, and equal those of a list from which the old were struck, by
 * whole buckets in the window by time. Sans-I/O: time is passed in, and must not run backwards.
 */
import type { Ms } from "@quorate/core";

import type { Tally } from "./fleet.ts";

/** Sums over the last calls. A slow call is also counted as ok or as a fault. */
export interface OutcomeWindow extends Tally {
  /** Whether it forgets by time; if not, any time will do. */
  readonly needsTime: boolean;
  /** Counts one call that ended at `nowMs`. */
  add(isFault: boolean, isSlow: boolean, nowMs: Ms): void;
  /** Forgets what is too old at `nowMs`. */
  advance(nowMs: Ms): void;
  /** Forgets all. */
  clear(): void;
}

/** The calls of the last `buckets` · `bucketMs`, the present bucket included. */
export class TimeWindow implements OutcomeWindow {
  ok = 0;
  faults = 0;
  slow = 0;
  readonly #bucketMs: Ms;
  readonly #buckets: number;
  /** Of a bucket: ok, faults, and, if any call can be slow, slow. */
  readonly #counters: 2 | 3;
  /** Made at the first call: most breakers of a large process are never used. */
  #counts: number[] | undefined = undefined;
  /** Absolute number of the newest bucket: time divided by the length of a bucket. */
  #newest = 0;

  constructor(lastMs: Ms, buckets: number, countsSlow: boolean) {
    this.#bucketMs = lastMs / buckets;
    this.#buckets = buckets;
    this.#counters = countsSlow ? 3 : 2;
  }

  get needsTime(): boolean {
    return true;
  }

  add(isFault: boolean, isSlow: boolean, nowMs: Ms): void {
    this.advance(nowMs);
    const counts = (this.#counts ??= zeros(this.#buckets * this.#counters));
    const at = (this.#newest % this.#buckets) * this.#counters;
    if (isFault) {
      counts[at + 1] = (counts[at + 1] as number) + 1;
      this.faults += 1;
    } else {
      counts[at] = (counts[at] as number) + 1;
      this.ok += 1;
    }
    if (isSlow) {
      counts[at + 2] = (counts[at + 2] as number) + 1;
      this.slow += 1;
    }
  }

  advance(nowMs: Ms): void {
    const bucket = Math.floor(nowMs / this.#bucketMs);
    if (bucket > this.#newest) this.#advanceTo(bucket);
  }

  clear(): void {
    this.#counts?.fill(0);
    this.ok = 0;
    this.faults = 0;
    this.slow = 0;
  }

  /** Empties every bucket that time has passed over, not only the next one. */
  #advanceTo(bucket: number): void {
    const counts = this.#counts;
    const skipped = bucket - this.#newest;
    this.#newest = bucket;
    if (counts === undefined) return;
    if (skipped >= this.#buckets) return this.clear();
    for (let old = bucket - skipped + 1; old <= bucket; old++) {
      const at = (old % this.#buckets) * this.#counters;
      this.ok -= counts[at] as number;
      this.faults -= counts[at + 1] as number;
      counts[at] = 0;
      counts[at + 1] = 0;
      if (this.#counters === 2) continue;
      this.slow -= counts[at + 2] as number;
      counts[at + 2] = 0;
    }
  }
}

/** Two bits an outcome, within the 30 bits of a small integer. */
const PER_WORD = 15;
const FAULT = 1;
const SLOW = 2;

/** The last `size` calls, however long ago. */
export class CountWindow implements OutcomeWindow {
  ok = 0;
  faults = 0;
  slow = 0;
  readonly #size: number;
  /** Made at the first call. */
  #words: number[] | undefined = undefined;
  /** Where the next outcome goes: the oldest's place, once the window is full. */
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get needsTime(): boolean {
    return false;
  }

  add(isFault: boolean, isSlow: boolean): void {
    const word = Math.floor(this.#next / PER_WORD);
    const shift = (this.#next % PER_WORD) * 2;
    const words = (this.#words ??= zeros(Math.ceil(this.#size / PER_WORD)));
    const before = words[word] as number;
    if (this.ok + this.faults === this.#size) this.#count((before >> shift) & (FAULT | SLOW), -1);
    const outcome = (isFault ? FAULT : 0) | (isSlow ? SLOW : 0);
    words[word] = (before & ~((FAULT | SLOW) << shift)) | (outcome << shift);
    this.#count(outcome, 1);
    this.#next = (this.#next + 1) % this.#size;
  }

  advance(): void {
    // Calls are forgotten by the calls that come after them.
  }

  clear(): void {
    this.ok = 0;
    this.faults = 0;
    this.slow = 0;
    this.#next = 0;
  }

  #count(outcome: number, by: 1 | -1): void {
    if ((outcome & FAULT) === 0) this.ok += by;
    else this.faults += by;
    if ((outcome & SLOW) !== 0) this.slow += by;
  }
}

/** Of the exact length: one that grew would have room to spare. */
function zeros(length: number): number[] {
  return Array.from({ length }, () => 0);
}
