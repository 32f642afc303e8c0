/**
 * Floors that guards have told us about, so that one refusal heals instead of repeating for ever.
 *
 * After a store came back from a backup, or with its clock set back, new tokens may lie below a
 * resource's floor, and every new holder would be refused. A refusal names the floor; the next
 * claim of the same lock waits for a token above it.
 *
 * Bounded: the oldest is forgotten first. Forgetting costs one more refusal.
 */
import { type FencingToken, isQuorateError } from "@quorate/core";

const MOST_FLOORS = 1_000;

/** Floors by lease name. */
export class Floors {
  readonly #floors = new Map<string, FencingToken>();

  /** The token that the next grant of `name` must be above. */
  above(name: string, asked: FencingToken | undefined): FencingToken | undefined {
    const known = this.#floors.get(name);
    return known === undefined ? asked : Math.max(known, asked ?? 0);
  }

  /** Takes note if `error` is a guard's refusal of this very grant. */
  learn(name: string, fencingToken: FencingToken, error: unknown): void {
    if (!isQuorateError(error, "STALE_TOKEN")) return;
    if (error.details.fencingToken !== fencingToken) return;
    const oldest = this.#floors.keys().next();
    if (this.#floors.size >= MOST_FLOORS && oldest.done !== true) this.#floors.delete(oldest.value);
    this.#floors.set(name, error.details.floor);
  }

  /** A grant above the floor has come: no need to remember. */
  passed(name: string): void {
    this.#floors.delete(name);
  }
}
