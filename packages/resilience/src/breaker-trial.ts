/**
 * A trial: so many probes are let through, and so many of them must pass.
 *
 * Places are given out once. One that comes back undecided, because the caller cancelled or the
 * outcome says nothing of the dependency, is given out again; so a trial can neither be decided by
 * a call that never ran, nor be stuck for want of places.
 */
import type { ProbeSettings } from "./breaker-options.ts";

/** How a trial stands. */
export type TrialVerdict = "undecided" | "passed" | "failed";

/** The probes of one half-open state. */
export class Trial {
  readonly #places: number;
  readonly #needed: number;
  #taken = 0;
  #passed = 0;
  #failed = 0;

  constructor(settings: ProbeSettings) {
    this.#places = settings.count;
    this.#needed = settings.passes;
  }

  /** Takes a place for one probe; false if none is left, or all is decided. */
  admit(): boolean {
    if (this.#taken === this.#places || this.verdict !== "undecided") return false;
    this.#taken += 1;
    return true;
  }

  /** Gives the place of an undecided probe back. */
  giveBack(): void {
    this.#taken -= 1;
  }

  /** A probe ended. */
  count(hasPassed: boolean): TrialVerdict {
    if (hasPassed) this.#passed += 1;
    else this.#failed += 1;
    return this.verdict;
  }

  /** Decided as soon as the probes that are left cannot change it. */
  get verdict(): TrialVerdict {
    if (this.#passed >= this.#needed) return "passed";
    return this.#failed > this.#places - this.#needed ? "failed" : "undecided";
  }
}
