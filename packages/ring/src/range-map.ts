/**
 * Range partitioning: the keys in their order, cut into ranges, each owned by a node.
 *
 * Hashing spreads keys and loses their order; a range map keeps neighbours together, so that a scan
 * asks one node. It is a table that somebody maintains: split a range that grew, merge two that
 * shrank, move one to another node. Each is a new map; `moved` says what to copy before it is
 * switched to.
 *
 * Keys are ordered by the bytes of their UTF-8, as in etcd, FoundationDB and Redis, and not by
 * UTF-16 units as JavaScript sorts: the two differ between U+E000 and U+FFFF on one side and emoji
 * on the other.
 *
 * Guarantees: every key has exactly one owner; no operation changes the owner of a key that it was
 * not told to. Does not guarantee: balance, which is up to whoever cuts; agreement of two
 * processes: store `ranges()` under a revision and compare `fingerprint`.
 */
import {
  boundedString,
  compareNames,
  invalidArgument,
  knownOptions,
  positiveInteger,
  show,
} from "@quorate/core";
import { fingerprintOf } from "./fingerprint.ts";
import { checkMapKey, tooLarge } from "./map-keys.ts";
import type { Move } from "./moves.ts";
import { checkKey, MAX_NODE_ID_BYTES } from "./nodes.ts";
import type { Owners } from "./placement.ts";

const DEFAULT_MAX_RANGES = 65_536;
/** No unit of a surrogate pair or above: here the order of UTF-16 is that of UTF-8. */
const PLAIN = /^[\0-\ud7ff]*$/;

/** The keys from `from` on, and before `to`. */
export interface KeyRange {
  /** The first key; `""` is before all others. */
  readonly from: string;
  /** The first key that is beyond; `undefined` where there is none. */
  readonly to: string | undefined;
}

/** A range and who owns it. */
export interface OwnedRange extends KeyRange {
  readonly node: string;
}

/** A range as it is given to `RangeMap.of`: it reaches to where the next begins. */
export interface RangeStart {
  /** The first key. */
  readonly from: string;
  /** Who owns it. */
  readonly node: string;
  /** May be left out; if it is there, it must be where the next range begins. */
  readonly to?: string | undefined;
}

/** Options of `RangeMap.of`. */
export interface RangeMapOptions {
  /** Most ranges, of this map and of all that are made from it. @default 65536 */
  readonly maxRanges?: number;
}

/**
 * An immutable map from all keys to nodes, by ranges.
 *
 * @example
 * const all = RangeMap.of("a");
 * const next = all.split("m").move({ from: "m", to: undefined }, "b");
 * next.owner("zebra"); // => "b"
 * all.moved(next); // => [{ from: "a", to: "b", range: { from: "m", to: undefined }, … }]
 */
export class RangeMap implements Owners {
  readonly #starts: readonly string[];
  readonly #owners: readonly string[];
  readonly #maxRanges: number;
  /** The strings of the table compare by `<` as they do by bytes. */
  readonly #plain: boolean;
  #fingerprint: string | undefined;

  private constructor(starts: readonly string[], owners: readonly string[], maxRanges: number) {
    if (starts.length > maxRanges) throw tooLarge("ranges", starts.length, maxRanges);
    this.#starts = starts;
    this.#owners = owners;
    this.#maxRanges = maxRanges;
    this.#plain = starts.every((start) => PLAIN.test(start));
  }

  /**
   * One node for all keys, or ranges in any order, of which one begins at `""`. What `ranges()`
   * gave, this takes, also after a journey through JSON.
   *
   * Throws INVALID_ARGUMENT for a start that is there twice, for a gap and for an overlap.
   */
  static of(ranges: string | Iterable<RangeStart>, options: RangeMapOptions = {}): RangeMap {
    const { maxRanges = DEFAULT_MAX_RANGES } = knownOptions("options", options, ["maxRanges"]);
    positiveInteger("maxRanges", maxRanges);
    if (typeof ranges === "string") return new RangeMap([""], [checkOwner(ranges)], maxRanges);
    const sorted = checkStarts(ranges, maxRanges);
    const starts = sorted.map(({ from }) => from);
    return new RangeMap(
      starts,
      sorted.map(({ node }) => node),
      maxRanges,
    );
  }

  /** How many ranges there are; at least one. */
  get size(): number {
    return this.#starts.length;
  }

  /** 32 hex digits, equal for the same ranges with the same owners in every process. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprintOf(
      "range/1",
      this.#starts.flatMap((start, index) => [start, this.#owners[index] as string]),
      [],
    ));
  }

  /** The node that owns `key`. There always is one. */
  owner(key: string): string {
    return this.#owners[this.#indexOf(key)] as string;
  }

  /** The range in which `key` lies. */
  range(key: string): OwnedRange {
    return this.#rangeAt(this.#indexOf(key));
  }

  /** All ranges, in the order of keys. */
  ranges(): readonly OwnedRange[] {
    return this.#starts.map((_, index) => this.#rangeAt(index));
  }

  /** Cuts the range of `at` in two, the second from `at` on; itself if a range begins there. */
  split(at: string): RangeMap {
    const index = this.#indexOf(checkMapKey("at", at));
    if (this.#starts[index] === at) return this;
    const owner = this.#owners[index] as string;
    return this.#become(
      this.#starts.toSpliced(index + 1, 0, at),
      this.#owners.toSpliced(index + 1, 0, owner),
    );
  }

  /**
   * Joins the range that begins at `at` to the one before it.
   *
   * Throws INVALID_ARGUMENT if none begins there, and if the two have different owners: one of
   * them has to be moved first, knowingly.
   */
  merge(at: string): RangeMap {
    const index = this.#indexOf(checkMapKey("at", at));
    if (index === 0 || this.#starts[index] !== at) {
      throw invalidArgument("at", at, "where a range begins that has one before it");
    }
    const [left, right] = [this.#owners[index - 1], this.#owners[index]];
    if (left !== right) {
      const owners = `${show(left)} and ${show(right)}`;
      throw invalidArgument("at", at, `between ranges of one owner, not ${owners}: move one first`);
    }
    return this.#become(this.#starts.toSpliced(index, 1), this.#owners.toSpliced(index, 1));
  }

  /**
   * Gives all keys of `range` to `node`, splitting at its ends where no range begins; the
   * boundaries within stay.
   */
  move(range: KeyRange, node: string): RangeMap {
    const { from, to } = knownOptions("range", range, ["from", "to"]);
    checkMapKey("range.from", from);
    checkOwner(node);
    if (to !== undefined && compareNames(from, checkMapKey("range.to", to)) >= 0) {
      throw invalidArgument("range.to", to, `a key after range.from, ${show(from)}`);
    }
    const cut = to === undefined ? this.split(from) : this.split(from).split(to);
    const first = cut.#indexOf(from);
    const end = to === undefined ? cut.size : cut.#indexOf(to);
    const owners = cut.#owners.map((owner, index) => {
      return index >= first && index < end ? node : owner;
    });
    const same = cut === this && owners.every((owner, index) => owner === this.#owners[index]);
    return same ? this : this.#become(cut.#starts, owners);
  }

  /** What changes hands from this map to `next`: disjoint, complete, in the order of keys. */
  moved(next: RangeMap): readonly Move<KeyRange>[] {
    if (!(next instanceof RangeMap)) throw invalidArgument("next", next, "a RangeMap");
    const moves: Move<KeyRange>[] = [];
    let mine = 0;
    let theirs = 0;
    let from: string | undefined = "";
    while (from !== undefined) {
      const to = this.#earlier(this.#starts[mine + 1], next.#starts[theirs + 1]);
      const before = this.#owners[mine] as string;
      const after = next.#owners[theirs] as string;
      const last = moves.at(-1);
      const continues = last?.range.to === from && last.from === before && last.to === after;
      if (continues) moves.pop();
      const range = { from: continues ? last.range.from : from, to };
      if (before !== after) moves.push({ from: before, to: after, range, share: undefined });
      if (to === this.#starts[mine + 1]) mine += 1;
      if (to === next.#starts[theirs + 1]) theirs += 1;
      from = to;
    }
    return moves;
  }

  #become(starts: readonly string[], owners: readonly string[]): RangeMap {
    return new RangeMap(starts, owners, this.#maxRanges);
  }

  #rangeAt(index: number): OwnedRange {
    const from = this.#starts[index] as string;
    return { from, to: this.#starts[index + 1], node: this.#owners[index] as string };
  }

  #earlier(left: string | undefined, right: string | undefined): string | undefined {
    if (left === undefined || right === undefined) return left ?? right;
    return compareNames(left, right) <= 0 ? left : right;
  }

  /** The last range that begins at `key` or before it. */
  #indexOf(key: string): number {
    checkKey(key);
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const start = this.#starts[middle] as string;
      const before = this.#plain ? start <= key : compareNames(start, key) <= 0;
      if (before) low = middle;
      else high = middle;
    }
    return low;
  }
}

function checkOwner(node: string): string {
  return boundedString("node", node, MAX_NODE_ID_BYTES);
}

function checkStarts(ranges: Iterable<RangeStart>, maxRanges: number): readonly RangeStart[] {
  if (typeof ranges !== "object" || ranges === null || !(Symbol.iterator in ranges)) {
    throw invalidArgument("ranges", ranges, "a node or a list of ranges");
  }
  const rows: RangeStart[] = [];
  for (const row of ranges) {
    const { from, node, to } = knownOptions("range", row, ["from", "node", "to"]);
    if (rows.length === maxRanges) throw tooLarge("ranges", maxRanges + 1, maxRanges);
    rows.push({ from: checkMapKey("range.from", from), node: checkOwner(node), to });
  }
  rows.sort((left, right) => compareNames(left.from, right.from));
  if (rows[0]?.from !== "") {
    throw invalidArgument("range.from", rows[0]?.from, '"" for the first range');
  }
  for (const [index, { from, to }] of rows.entries()) {
    const next = rows[index + 1]?.from;
    if (from === next) throw invalidArgument("range.from", from, "named once");
    if (to === undefined || to === next) continue;
    const expected = next === undefined ? "undefined for the last range" : show(next);
    throw invalidArgument("range.to", to, `where the next range begins, ${expected}`);
  }
  return rows;
}
