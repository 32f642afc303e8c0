/**
 * Sums over the last minutes, without a timer.
 *
 * A ring of buckets, found by absolute time: a bucket that is met again after a round of silence
 * is emptied, however long the silence was. Pure: the caller passes monotonic time in.
 */
import type { Ms } from "@quorate/core";

const BUCKETS = 24;

/** Requests and accepts of the last `windowMs`, forgotten a 24th at a time. */
export class ThrottleWindow {
  requests = 0;
  accepts = 0;
  readonly #bucketMs: Ms;
  /** Made with the first call: most throttles of a large program are idle. */
  #requests: number[] | undefined = undefined;
  #accepts: number[] | undefined = undefined;
  /** The bucket of the latest time, counted from time 0. */
  #latest = 0;

  constructor(windowMs: Ms) {
    this.#bucketMs = windowMs / BUCKETS;
  }

  /** Counts a call that has ended at `nowMs`. */
  count(nowMs: Ms, accepted: boolean): void {
    this.forget(nowMs);
    const at = this.#latest % BUCKETS;
    increment((this.#requests ??= zeros()), at);
    this.requests += 1;
    if (!accepted) return;
    increment((this.#accepts ??= zeros()), at);
    this.accepts += 1;
  }

  /** Drops what is too old at `nowMs`. */
  forget(nowMs: Ms): void {
    const latest = Math.floor(nowMs / this.#bucketMs);
    if (latest <= this.#latest) return;
    const skipped = Math.min(BUCKETS, latest - this.#latest);
    this.#latest = latest;
    for (let back = 0; back < skipped; back++) {
      const at = (latest - back) % BUCKETS;
      this.requests -= take(this.#requests, at);
      this.accepts -= take(this.#accepts, at);
    }
  }
}

function zeros(): number[] {
  return Array.from({ length: BUCKETS }, () => 0);
}

function increment(counts: number[], at: number): void {
  counts[at] = (counts[at] as number) + 1;
}

function take(counts: number[] | undefined, at: number): number {
  if (counts === undefined) return 0;
  const count = counts[at] as number;
  counts[at] = 0;
  return count;
}
