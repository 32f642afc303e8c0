/**
 * What an invariant check says: how much it looked at, and what it found.
 *
 * These checks know less than the linearizability checker and need no search: one or two passes
 * over a history of any length. Each finds one kind of wrong, surely; silence means that this
 * kind is not there.
 */

/** Something that must not be. */
export interface InvariantViolation {
  /** Lock, resource, request, saga or schedule. */
  readonly key: string;
  /** What happened, with times and numbers. */
  readonly message: string;
}

/** Answer of an invariant check. */
export interface InvariantReport {
  readonly ok: boolean;
  /** Things looked at: a check of nothing is worth nothing. */
  readonly checked: number;
  /** The first hundred. */
  readonly violations: readonly InvariantViolation[];
  /** How many there are in all. */
  readonly violationCount: number;
}

const MAX_KEPT = 100;

/** Collects violations, with a bound. */
export class Findings {
  readonly #violations: InvariantViolation[] = [];
  #count = 0;

  /** Notes `message` about `key`. */
  add(key: string, message: string): void {
    this.#count += 1;
    if (this.#violations.length < MAX_KEPT) this.#violations.push({ key, message });
  }

  /** The report, after `checked` things. */
  report(checked: number): InvariantReport {
    return {
      ok: this.#count === 0,
      checked,
      violations: this.#violations,
      violationCount: this.#count,
    };
  }
}
