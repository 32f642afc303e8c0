/**
 * Version vector: which writes of a stored value does this replica, or this version, contain?
 *
 * It looks like a vector clock and is not one. A vector clock counts *events of nodes*, sends and
 * receipts included. A version vector counts *writes of a value*, and only the replica that
 * coordinates a write ticks it; reading, sending and merging tick nothing. So replicas that have
 * exchanged everything have equal vectors, which vector clocks never have. The two are different
 * types here, and the compiler refuses one for the other.
 *
 * Entries are replicas, not clients: one entry per client would grow without end. But a vector per
 * value with entries for replicas cannot tell two clients apart that write through one replica
 * (both writes get the entry of that replica, and the second seems to have seen the first). For
 * values use `Siblings`, which adds the dots; the vector then is the client's *context*.
 *
 * Guarantees: an immutable value; `compare` is the order of the sets of writes, if replicas apply
 * each other's writes without gaps. Does not guarantee: that a replica which lost its state and
 * ticks again under its old id is noticed. Give it a new id.
 *
 * Parker et al., "Detection of Mutual Inconsistency in Distributed Systems", 1983.
 */
import { invalidArgument } from "@quorate/core";

import type { NodeId } from "../node-id.ts";
import { checkDot, type Dot } from "./dot.ts";
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
  find,
  mergedEntries,
  ticked,
} from "./entries.ts";

/**
 * For each replica, how many of its writes are contained: the first n, all of them.
 *
 * @example
 * const mine = VersionVector.of({ r1: 3, r2: 1 });
 * mine.contains({ replica: "r1", counter: 2 }); // => true
 * mine.compare(VersionVector.of({ r1: 3 })); // => "after"
 */
export class VersionVector {
  readonly #entries: Entries;

  private constructor(entries: Entries) {
    this.#entries = entries;
  }

  /**
   * A vector with these counts, none by default. Pairs may come in any order; counts of 0 are left
   * out. `INVALID_ARGUMENT` for a bad id, a bad count or an id that comes twice; `TOO_LARGE` for
   * more than `maxEntries` (default 256).
   */
  static of(counts: EntriesSource = [], options: BoundOptions = {}): VersionVector {
    return new VersionVector(entriesOf(counts, options));
  }

  /** Number of entries, that is of replicas with a count above 0. */
  get size(): number {
    return this.#entries.ids.length;
  }

  /** Most entries that this vector and those made of it may have. */
  get maxEntries(): number {
    return this.#entries.maxEntries;
  }

  /** Number of writes of `replica` that are contained; 0 if none. */
  get(replica: NodeId): number {
    return countOf(this.#entries, replica);
  }

  /** True if the write `dot` is contained. `INVALID_ARGUMENT` for what is no dot. */
  contains(dot: Dot): boolean {
    const { replica, counter } = checkDot("dot", dot);
    return counter <= countOf(this.#entries, replica);
  }

  /**
   * The vector after one more write that `replica` coordinates; `lastDot(replica)` is its name.
   *
   * `INVALID_ARGUMENT` for what is no id, and when the count is 2^53 - 1 already; `TOO_LARGE` for a
   * new replica beyond `maxEntries`.
   */
  tick(replica: NodeId): VersionVector {
    return new VersionVector(ticked(this.#entries, replica));
  }

  /** The last write of `replica` that is contained. */
  lastDot(replica: NodeId): Dot | undefined {
    const counter = countOf(this.#entries, replica);
    return counter === 0 ? undefined : { replica, counter };
  }

  /**
   * The vector with `dot` and all earlier writes of its replica.
   *
   * Only true to the facts if these were seen as well; a replica applies writes without gaps.
   */
  with(dot: Dot): VersionVector {
    const { replica, counter } = checkDot("dot", dot);
    if (counter <= countOf(this.#entries, replica)) return this;
    const one = entriesOf([[replica, counter]], {});
    return new VersionVector(mergedEntries(this.#entries, one));
  }

  /**
   * All writes of both: the larger count of each replica. Commutative, associative, idempotent, but
   * for `maxEntries`, which is that of this vector; `TOO_LARGE` beyond.
   */
  merge(other: VersionVector): VersionVector {
    return new VersionVector(mergedEntries(this.#entries, VersionVector.#of(other)));
  }

  /**
   * How the set of writes stands to the other's: `after` contains it and more. Vectors that are
   * `concurrent` each have a write that the other lacks.
   */
  compare(other: VersionVector): Causality {
    return compareEntries(this.#entries, VersionVector.#of(other));
  }

  /** True if every write of `other` is contained: `compare` says `after` or `equal`. */
  includes(other: VersionVector): boolean {
    const causality = this.compare(other);
    return causality === "after" || causality === "equal";
  }

  /**
   * What is lacking to include `other`: per replica, the last write to wait for. All up to it from
   * `get(replica) + 1` on are missing. Empty exactly if `includes(other)`.
   */
  missing(other: VersionVector): Dot[] {
    const wanted = VersionVector.#of(other);
    const dots: Dot[] = [];
    for (const [replica, counter] of pairsOf(wanted)) {
      if (counter > countOf(this.#entries, replica)) dots.push({ replica, counter });
    }
    return dots;
  }

  /**
   * The vector without `replica`, which has left for good and whose writes everybody contains.
   *
   * Drop it everywhere at about the same time: a vector that still has the entry is `after` one
   * that has not. If the id ever comes back, its new writes look like old ones.
   */
  without(replica: NodeId): VersionVector {
    const { ids, counts, maxEntries } = this.#entries;
    const index = find(ids, replica);
    if (index < 0) return this;
    return new VersionVector({
      ids: ids.toSpliced(index, 1),
      counts: counts.toSpliced(index, 1),
      maxEntries,
    });
  }

  /** Replicas and counts in ascending order of ids. */
  entries(): IterableIterator<[replica: NodeId, count: number]> {
    return pairsOf(this.#entries);
  }

  /** The same as `entries()`. */
  [Symbol.iterator](): IterableIterator<[replica: NodeId, count: number]> {
    return this.entries();
  }

  /** `[["r1", 3], ["r2", 1]]`, ascending by id: one form per value. */
  toJSON(): EntriesJson {
    return entriesToJson(this.#entries);
  }

  /**
   * Reverses `toJSON` of anybody: `value` is what `JSON.parse` returned and may be anything.
   * `INVALID_ARGUMENT` for what `toJSON` never makes, `TOO_LARGE` beyond `maxEntries`.
   */
  static fromJSON(value: unknown, options: BoundOptions = {}): VersionVector {
    return new VersionVector(entriesFromJson(value, options));
  }

  /** `r1:3:r2:1`, fit for a header, a cookie or a URL; `0` if empty. One form per value. */
  encode(): string {
    return encodeEntries(this.#entries);
  }

  /**
   * Reverses `encode` of anybody. `INVALID_ARGUMENT` for what `encode` never makes, the empty
   * string included; `TOO_LARGE` beyond `maxEntries`.
   */
  static decode(text: string, options: BoundOptions = {}): VersionVector {
    return new VersionVector(decodeEntries(text, options));
  }

  /** The same as `encode()`. */
  toString(): string {
    return this.encode();
  }

  static #of(other: VersionVector): Entries {
    if (typeof other === "object" && other !== null && #entries in other) return other.#entries;
    throw invalidArgument("other", other, "a VersionVector");
  }
}
