/**
 * A participant to explore with: a service in memory that a saga's steps call.
 *
 * It behaves as the guide asks of a real one: it carries a key out once, and takes back a key that
 * it has never seen by a tombstone, so that a late request of that key is refused. Both can be
 * switched off, to see what a service without them does to a saga.
 */
import { boundedString, boolean, type Json, knownOptions, refuse } from "@quorate/core";

/** What a participant does and does not do. */
export interface ParticipantOptions {
  /** Carries a key out once, and answers its repeats as the first time. @default true */
  readonly idempotent?: boolean;
  /** Remembers that a key was cancelled, and refuses it when it comes late. @default true */
  readonly tombstones?: boolean;
}

/** A service in memory. */
export interface Participant {
  readonly name: string;
  /**
   * Carries `key` out, and answers `answer`, as it does to every repeat.
   *
   * @throws REFUSED `cancelled`: its cancel came first.
   */
  apply<T extends Json>(key: string, answer: T): T;
  /** Takes `key` back, whether or not it was carried out. Repeats change nothing. */
  cancel(key: string): void;
  /** By key, without its `/do` or `/undo`: how often it was carried out and not taken back. */
  readonly standing: ReadonlyMap<string, number>;
}

const MAX_KEY_BYTES = 4_096;

/**
 * A participant for `explore`.
 *
 * @throws INVALID_ARGUMENT
 * @example
 * const cards = participant("cards");
 * cards.apply("order-1/charge/do", { charge: "ch_1" });
 * cards.cancel("order-1/charge/undo");
 * console.log(cards.standing.get("order-1/charge")); // => 0
 */
export function participant(name: string, options: ParticipantOptions = {}): Participant {
  boundedString("name", name, MAX_KEY_BYTES);
  knownOptions("options", options, ["idempotent", "tombstones"]);
  const idempotent = boolean("idempotent", options.idempotent ?? true);
  const tombstones = boolean("tombstones", options.tombstones ?? true);
  const answers = new Map<string, Json>();
  const cancelled = new Set<string>();
  const standing = new Map<string, number>();
  return {
    name,
    standing,
    apply<T extends Json>(key: string, answer: T): T {
      const branch = branchOf(key);
      if (tombstones && cancelled.has(branch)) throw refuse("cancelled", { by: name });
      const known = answers.get(branch);
      if (idempotent && known !== undefined) return known as T;
      answers.set(branch, answer);
      standing.set(branch, (standing.get(branch) ?? 0) + 1);
      return answer;
    },
    cancel(key: string): void {
      const branch = branchOf(key);
      cancelled.add(branch);
      const count = standing.get(branch);
      if (count === undefined || count === 0) return;
      standing.set(branch, count - 1);
      // Without a tombstone it knows nothing of the key any more.
      if (!tombstones) answers.delete(branch);
    },
  };
}

/** The keys of a step's run and of its undo differ in their last segment only. */
function branchOf(key: string): string {
  return key.replace(/\/(?:do|undo|try|confirm|cancel)$/, "");
}
