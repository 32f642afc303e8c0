/**
 * Vector clock: which of two events happened before the other, or neither?
 *
 * Every node counts its own events, and each message carries the counts that its sender knows. A
 * node *ticks* its own entry for each event, a send included, and on receipt *merges* the clock of
 * the message and then ticks. Of two stamps, one is `before` the other exactly if its event could
 * have influenced the other's; if neither could, they are `concurrent`, which is an answer of its
 * own and not a tie to be broken.
 *
 * An immutable value. Ids may be any text that `MAX_NODE_ID_BYTES` allows.
 *
 * Guarantees: `compare` is happened-before, no more and no less, if every node ticks only its own
 * entry, never hands out a count twice, and nothing was pruned. `{ a: 0 }` and `{}` are one value.
 * At most `maxEntries` entries.
 * Does not guarantee: anything about time, nor about nodes that restart with lost counts under
 * their old id. It grows with the number of nodes that ever ticked: for replicas of stored values
 * use a `VersionVector`, for many short-lived nodes an interval tree clock.
 *
 * Fidge, "Timestamps in Message-Passing Systems That Preserve the Partial Ordering", 1988;
 * Mattern, "Virtual Time and Global States of Distributed Systems", 1989.
 */
import { invalidArgument } from "@quorate/core";

import type { NodeId } from "../node-id.ts";
import {
  type BoundOptions,
  decodeEntries,
  encodeEntries,
  entriesFromJson,
  type EntriesJson,
  entriesOf,
  type EntriesSource,
  entriesToJson,
  pairsOf,
} from "./entries-codec.ts";
import {
  type Causality,
  compareEntries,
  countOf,
  type Entries,
  mergedEntries,
  ticked,
} from "./entries.ts";
import { prunedEntries, type PruneOptions } from "./prune.ts";

/**
 * Stamp of an event, or what a node knows: a count of events per node.
 *
 * @example
 * const sent = VectorClock.of().tick("a"); // a sends
 * const received = VectorClock.of().tick("b").merge(sent).tick("b"); // b receives
 * sent.compare(received); // => "before"
 * sent.compare(VectorClock.of().tick("b")); // => "concurrent"
 */
export class VectorClock {
  readonly #entries: Entries;

  private constructor(entries: Entries) {
    this.#entries = entries;
  }

  /**
   * A clock with these counts, none by default. Pairs may come in any order; counts of 0 are left
   * out. `INVALID_ARGUMENT` for a bad id, a bad count or an id that comes twice; `TOO_LARGE` for
   * more than `maxEntries` (default 256).
   *
   * An object literal cannot have an id `__proto__` (that sets the prototype); pairs can.
   */
  static of(counts: EntriesSource = [], options: BoundOptions = {}): VectorClock {
    return new VectorClock(entriesOf(counts, options));
  }

  /** Number of entries, that is of ids with a count above 0. */
  get size(): number {
    return this.#entries.ids.length;
  }

  /** Most entries that this clock and those made of it may have. */
  get maxEntries(): number {
    return this.#entries.maxEntries;
  }

  /** Count of events of `id`; 0 if it has none. */
  get(id: NodeId): number {
    return countOf(this.#entries, id);
  }

  /**
   * The clock after one more event of `id`.
   *
   * `INVALID_ARGUMENT` for what is no node id, and when the count is 2^53 - 1 already; `TOO_LARGE`
   * for a new id beyond `maxEntries`.
   */
  tick(id: NodeId): VectorClock {
    return new VectorClock(ticked(this.#entries, id));
  }

  /**
   * What this clock and `other` know together: the larger count of each id. Commutative,
   * associative, idempotent, but for `maxEntries`, which is that of this clock; `TOO_LARGE` beyond.
   *
   * A receiver merges and then ticks: merging alone gives its event no stamp of its own.
   */
  merge(other: VectorClock): VectorClock {
    return new VectorClock(mergedEntries(this.#entries, VectorClock.#of(other)));
  }

  /**
   * How this event stands to the other's: it is the same, happened before it, after it, or neither.
   *
   * Never feed it to a sort: `concurrent` is not transitive, and no comparator can be made of it.
   */
  compare(other: VectorClock): Causality {
    return compareEntries(this.#entries, VectorClock.#of(other));
  }

  /**
   * A clock of `keep` entries, without the oldest others; that of `own` always stays.
   *
   * What is lost, precisely. For stamps that nodes make of their own pruned clocks, each keeping
   * its own entry: `compare` may answer `concurrent` where the truth is `before` or `after`, and
   * never anything else that is wrong. Order that it tells is true; only order may be missing. The
   * entry of `own` carries that proof, as only events that know this one have its count. Pruning
   * the entry of the stamp's own node can turn `after` into `before`; so it cannot be asked for.
   *
   * `INVALID_ARGUMENT` if `own` has no entry here.
   */
  prune(options: PruneOptions): VectorClock {
    return new VectorClock(prunedEntries(this.#entries, options));
  }

  /** Ids and counts in ascending order of ids. */
  entries(): IterableIterator<[id: NodeId, count: number]> {
    return pairsOf(this.#entries);
  }

  /** The same as `entries()`. */
  [Symbol.iterator](): IterableIterator<[id: NodeId, count: number]> {
    return this.entries();
  }

  /** `[["a", 3], ["b", 1]]`, ascending by id: one form per value. */
  toJSON(): EntriesJson {
    return entriesToJson(this.#entries);
  }

  /**
   * Reverses `toJSON` of anybody: `value` is what `JSON.parse` returned and may be anything.
   * `INVALID_ARGUMENT` for what `toJSON` never makes, `TOO_LARGE` beyond `maxEntries`.
   */
  static fromJSON(value: unknown, options: BoundOptions = {}): VectorClock {
    return new VectorClock(entriesFromJson(value, options));
  }

  /** `a:3:b:1`, fit for a header, a cookie or a URL; `0` if empty. One form per value. */
  encode(): string {
    return encodeEntries(this.#entries);
  }

  /**
   * Reverses `encode` of anybody. `INVALID_ARGUMENT` for what `encode` never makes, the empty
   * string included; `TOO_LARGE` beyond `maxEntries`.
   */
  static decode(text: string, options: BoundOptions = {}): VectorClock {
    return new VectorClock(decodeEntries(text, options));
  }

  /** The same as `encode()`. */
  toString(): string {
    return this.encode();
  }

  static #of(other: VectorClock): Entries {
    if (typeof other === "object" && other !== null && #entries in other) return other.#entries;
    throw invalidArgument("other", other, "a VectorClock");
  }
}
