/**
 * A rolling sum of two numbers: how often the action ran, and how often it failed.
 *
 * It is what decides, apart from the statistics that are shown: it begins anew whenever the
 * circuit changes its state, and knows nothing of calls that never reached the action.
 */
import type { Ms } from "@quorate/core";

import type { OutcomeWindow } from "../window.ts";

/** Fires and failures of the last buckets. */
export class RollingRate implements OutcomeWindow {
  readonly needsTime = false;
  readonly slow = 0;
  readonly #buckets: number;
  readonly #bucketAt: (nowMs: Ms) => number;
  readonly #fires: number[];
  readonly #failures: number[];
  #newest = 0;
  #fired = 0;
  #failed = 0;

  constructor(buckets: number, bucketAt: (nowMs: Ms) => number, nowMs: Ms) {
    this.#buckets = buckets;
    this.#bucketAt = bucketAt;
    this.#fires = Array.from({ length: buckets }, () => 0);
    this.#failures = Array.from({ length: buckets }, () => 0);
    this.#newest = bucketAt(nowMs);
  }

  /** Fires that did not fail, or have not yet. */
  get ok(): number {
    return this.#fired - this.#failed;
  }

  get faults(): number {
    return this.#failed;
  }

  /** Fires, also those under way. */
  get fired(): number {
    return this.#fired;
  }

  /** Counts fires and failures that were before. */
  prime(fires: number, failures: number, nowMs: Ms): void {
    this.advance(nowMs);
    const at = this.#newest % this.#buckets;
    this.#fires[at] = (this.#fires[at] as number) + fires;
    this.#failures[at] = (this.#failures[at] as number) + failures;
    this.#fired += fires;
    this.#failed += failures;
  }

  /** The action is run. */
  fire(nowMs: Ms): void {
    this.prime(1, 0, nowMs);
  }

  /** The action failed. */
  fail(nowMs: Ms): void {
    this.prime(0, 1, nowMs);
  }

  add(): void {
    // Fires and failures are counted as they happen, not when a call has ended.
  }

  advance(nowMs: Ms): void {
    const bucket = this.#bucketAt(nowMs);
    if (bucket <= this.#newest) return;
    for (; this.#newest < bucket && this.#fired + this.#failed > 0; this.#newest += 1) {
      const oldest = (this.#newest + 1) % this.#buckets;
      this.#fired -= this.#fires[oldest] as number;
      this.#failed -= this.#failures[oldest] as number;
      this.#fires[oldest] = 0;
      this.#failures[oldest] = 0;
    }
    this.#newest = bucket;
  }

  clear(): void {
    this.#fires.fill(0);
    this.#failures.fill(0);
    this.#fired = 0;
    this.#failed = 0;
  }
}
