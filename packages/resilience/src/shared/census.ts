/**
 * The census: live summaries of other instances, counted as they come and go.
 *
 * What counts is what was said in the present epoch: evidence from before a transition led to it,
 * and must not lead to the next. Sums are kept, not made anew: hearing one of a thousand instances
 * costs the same as hearing one of two.
 *
 * Guarantees: at most `maxInstances` are remembered; a summary that is not renewed ends by itself,
 * by the hearer's own clock, even if the store never says so.
 */
import type { Ms, Revision } from "@quorate/core";

import { type Limits, NOTHING, type Summary, weigh, type Weight } from "./evidence.ts";

interface Counted {
  readonly summary: Summary;
  readonly weight: Weight;
  readonly untilMs: Ms;
}

/** Who says what. */
export class Census {
  readonly #limits: Limits;
  readonly #maxInstances: number;
  readonly #counted = new Map<string, Counted>();
  #epoch: Revision = 0;
  #sum: Weight = NOTHING;

  constructor(limits: Limits, maxInstances: number) {
    this.#limits = limits;
    this.#maxInstances = maxInstances;
  }

  /** What all others weigh together in this epoch. */
  get others(): Weight {
    return this.#sum;
  }

  /** Instances remembered, of whatever epoch. */
  get size(): number {
    return this.#counted.size;
  }

  /** `instance` says `summary`, and says so until `untilMs`. False: one too many. */
  hear(instance: string, summary: Summary, untilMs: Ms): boolean {
    if (!this.#counted.has(instance) && this.#counted.size >= this.#maxInstances) return false;
    this.forget(instance);
    const weight = weigh(summary, this.#limits);
    this.#counted.set(instance, { summary, weight, untilMs });
    if (summary.epoch === this.#epoch) this.#sum = plus(this.#sum, weight, 1);
    return true;
  }

  /** `instance` says nothing any more. */
  forget(instance: string): void {
    const counted = this.#counted.get(instance);
    if (counted === undefined) return;
    this.#counted.delete(instance);
    if (counted.summary.epoch === this.#epoch) this.#sum = plus(this.#sum, counted.weight, -1);
  }

  /** Forgets who has said nothing for too long. */
  expire(nowMs: Ms): void {
    for (const [instance, { untilMs }] of this.#counted) {
      if (untilMs <= nowMs) this.forget(instance);
    }
  }

  /** Counts what is said in `epoch` from now on. It may have been heard before its record was. */
  turnTo(epoch: Revision): void {
    this.#epoch = epoch;
    this.#sum = NOTHING;
    for (const { summary, weight } of this.#counted.values()) {
      if (summary.epoch === epoch) this.#sum = plus(this.#sum, weight, 1);
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#counted.clear();
    this.#sum = NOTHING;
  }
}

/** Two weights together. */
export function plus(left: Weight, right: Weight, sign: 1 | -1 = 1): Weight {
  return {
    calls: left.calls + sign * right.calls,
    faults: left.faults + sign * right.faults,
    slow: left.slow + sign * right.slow,
    judgedCalls: left.judgedCalls + sign * right.judgedCalls,
    active: left.active + sign * right.active,
    seers: left.seers + sign * right.seers,
    judged: left.judged + sign * right.judged,
  };
}
