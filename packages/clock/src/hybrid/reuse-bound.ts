/**
 * The bound against reuse: when a new one must be stored, and which.
 *
 * A process that restarts with its wall clock set back would issue timestamps a second time. So a
 * time that no timestamp exceeds is stored ahead of use, and the next life starts above it. This
 * machine says when the stored bound is about to be used up; `openHybridClock` does the storing.
 *
 * Sans-I/O. Guarantees: the bounds it asks for only grow.
 *
 * CockroachDB persists `HLCUpperBound` for the same purpose (`pkg/util/hlc`, `pkg/server`).
 */
import { inRange, type Ms, positive } from "@quorate/core";
import { MAX_TIME_MS } from "./timestamp.ts";

/** The bound of one clock. */
export class ReuseBound {
  readonly #aheadMs: Ms;
  #storedMs: Ms | undefined;

  /** `aheadMs`: how far ahead of use a bound is stored. `storedMs`: what an earlier life stored. */
  constructor(options: { readonly aheadMs: Ms; readonly storedMs?: Ms | undefined }) {
    this.#aheadMs = positive("aheadMs", options.aheadMs);
    if (options.storedMs === undefined) return;
    this.#storedMs = inRange("storedMs", options.storedMs, 0, MAX_TIME_MS);
  }

  /** What is stored for certain; `undefined` at the very first start. */
  get storedMs(): Ms | undefined {
    return this.#storedMs;
  }

  /**
   * The bound to store now, as the clock stands at `timeMs`; `undefined` while more than half of
   * the last one is left.
   */
  due(timeMs: Ms): Ms | undefined {
    if (this.#storedMs !== undefined && timeMs + this.#aheadMs / 2 < this.#storedMs)
      return undefined;
    const boundMs = Math.min(Math.ceil(timeMs + this.#aheadMs), MAX_TIME_MS);
    return boundMs > (this.#storedMs ?? -1) ? boundMs : undefined;
  }

  /** `boundMs` is stored for certain. */
  stored(boundMs: Ms): void {
    this.#storedMs = Math.max(this.#storedMs ?? 0, boundMs);
  }
}
