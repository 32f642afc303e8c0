/**
 * Tenure: what an instance may use of its slice at this moment, by its own clocks.
 *
 * A slice is held for a lease that counts from before the renewal was sent. When it has run out,
 * the store may lend the slice to others, so from then on this instance acts without a right, and
 * how far it does so is the owner's choice.
 *
 * A pure machine. Guarantees: until its end, what `granted` said; a slice that was lowered is never
 * raised but by a grant.
 */
import { leaseLeftMs, type LeaseWindow, type Ms, type Time } from "@quorate/core";

/**
 * What happens while the store cannot be reached for longer than a lease.
 *
 * - `stop`: nothing passes. The fleet never exceeds its limit.
 * - `halve`: the last slice, half of it in the first period, a quarter in the second, and so on. In
 *   all a cut-off instance exceeds the limit by less than one period's worth of its slice.
 * - `local`: the last slice, for as long as it takes; one that never had any uses
 *   `1 / maxInstances`. If the store is lost to all, nothing is exceeded; if to some, by at most
 *   their slices: in the worst case twice the limit.
 */
export type OnStoreLost = "halve" | "stop" | "local";

/** What decides when tenure ends, and what comes then. */
export interface TenureTerms {
  readonly onStoreLost: OnStoreLost;
  /** Time for one halving. */
  readonly periodMs: Ms;
  /** With `local`: parts of one who never held any. */
  readonly aloneParts: number;
}

/** Parts held, and until when. */
export class Tenure {
  readonly #terms: TenureTerms;
  #parts = 0;
  #window: LeaseWindow | undefined;
  #isCutOff = false;

  constructor(terms: TenureTerms) {
    this.#terms = terms;
  }

  /** Parts of the last grant, or what they were lowered to. */
  get parts(): number {
    return this.#parts;
  }

  /** The store confirmed a renewal; `window` is of before it was sent. */
  granted(parts: number, window: LeaseWindow): void {
    this.#parts = parts;
    this.#window = window;
    this.#isCutOff = false;
  }

  /** No more than `parts` from now on, whatever the store may still hold for us. */
  lowered(parts: number): void {
    this.#parts = Math.min(this.#parts, parts);
  }

  /** The slice was given back. */
  ended(): void {
    this.#parts = 0;
    this.#window = undefined;
    this.#isCutOff = false;
  }

  /** The store could not be asked. */
  cutOff(): void {
    this.#isCutOff = true;
  }

  /** Whether the store knows of the slice. */
  isRightful(time: Pick<Time, "monotonicMs" | "wallMs">): boolean {
    return this.#window !== undefined && leaseLeftMs(time, this.#window) > 0;
  }

  /** Parts that may be used now. */
  usableAt(time: Pick<Time, "monotonicMs" | "wallMs">): number {
    const { onStoreLost, periodMs, aloneParts } = this.#terms;
    if (this.#window === undefined) {
      return this.#isCutOff && onStoreLost === "local" ? aloneParts : 0;
    }
    const leftMs = leaseLeftMs(time, this.#window);
    if (leftMs > 0 || onStoreLost === "local") return this.#parts;
    if (onStoreLost === "stop") return 0;
    const halvings = 1 + Math.floor(-leftMs / periodMs);
    return halvings > 30 ? 0 : Math.floor(this.#parts / 2 ** halvings);
  }
}
