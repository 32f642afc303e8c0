/**
 * How long was this message under way? Without comparing two machines' clocks.
 *
 * A sender stamps each message with its own monotonic clock. The difference to the receiver's
 * clock, `received − sent`, is the offset of the two clocks plus the way; the smallest difference
 * of the last minutes is the offset plus the shortest way. So what a message took beyond the
 * shortest way, in a broker's queue or in a stalled process, is known, however the clocks differ.
 *
 * Guarantees: never negative; a message is never held to be older than it is by more than the
 * clocks drifted apart in two windows. Does not guarantee that the shortest way is counted, nor
 * anything for the first message of a sender, which is believed to have come at once.
 *
 * A sender whose clock stood still (a suspended machine) seems to have become slow. It finds out
 * by being told that it is too late when it is not, and begins another `era`.
 *
 * After the minimum filter of NTP (Mills, RFC 5905, section 10), with two windows for its history.
 */
import type { Ms } from "@quorate/core";

/** How long a smallest difference is believed: between one window and two. */
export const WINDOW_MS = 60_000;

/** The clock of one sender, as its messages show it. */
export class ClockOffset {
  #era: number;
  #windowEndsMs: Ms;
  #smallestMs: Ms = Infinity;
  #previousMs: Ms = Infinity;

  constructor(nowMs: Ms, era = 0) {
    this.#era = era;
    this.#windowEndsMs = nowMs + WINDOW_MS;
  }

  /** A message stamped `sentMs` is here at `nowMs`: how long it was under way, at least. */
  transitMs(sentMs: Ms, nowMs: Ms, era = 0): Ms {
    if (era !== this.#era) this.#forget(era, nowMs);
    else if (nowMs >= this.#windowEndsMs) this.#turn(nowMs);
    const differenceMs = nowMs - sentMs;
    if (differenceMs < this.#smallestMs) this.#smallestMs = differenceMs;
    return differenceMs - Math.min(this.#smallestMs, this.#previousMs);
  }

  #turn(nowMs: Ms): void {
    const isNext = nowMs < this.#windowEndsMs + WINDOW_MS;
    this.#previousMs = isNext ? this.#smallestMs : Infinity;
    this.#smallestMs = Infinity;
    this.#windowEndsMs = nowMs + WINDOW_MS;
  }

  #forget(era: number, nowMs: Ms): void {
    this.#era = era;
    this.#smallestMs = this.#previousMs = Infinity;
    this.#windowEndsMs = nowMs + WINDOW_MS;
  }
}
