/**
 * Sorted entries: what vector clocks and version vectors have in common.
 *
 * Two parallel arrays, ids in ascending order and their counts, every count at least 1: an entry of
 * zero is no entry, so what is equal has one form only. The array of ids, the *roster*, is shared
 * by all clocks that descend from each other, and two rosters that turn out to hold the same ids
 * are made one. Between clocks of one roster a comparison touches no string at all; that is where
 * the speed comes from.
 *
 * Guarantees: no function here changes an array it was handed; sharing a roster changes nothing
 * that can be seen from outside. Internal: the classes around it check their callers' input.
 */
import { invalidArgument, QuorateError } from "@quorate/core";

import { checkNodeId, compareNodeIds, type NodeId } from "../node-id.ts";

/**
 * How two clocks stand to each other. `concurrent`: each has an event that the other has not.
 * It is not a kind of `equal`, and no order of any kind may be made of it.
 */
export type Causality = "equal" | "before" | "after" | "concurrent";

/** Entries of a clock unless told otherwise: far more than a group that should use one has. */
export const DEFAULT_MAX_ENTRIES = 256;

/** The most that `maxEntries` can be. */
export const MOST_ENTRIES = 65_536;

/** Ids with their counts. */
export interface Entries {
  /** The roster: ascending, without duplicates. Never changed, but for an equal one. */
  ids: readonly NodeId[];
  /** Counts of these ids; safe integers from 1 up. */
  readonly counts: readonly number[];
  /** The visible bound; what is made of these entries inherits it. */
  readonly maxEntries: number;
}

/** The only place where entries are made: one shape for the compiler, one bound for all. */
export function entries(
  ids: readonly NodeId[],
  counts: readonly number[],
  maxEntries: number,
): Entries {
  if (ids.length > maxEntries) throw tooMany(ids.length, maxEntries);
  return { ids, counts, maxEntries };
}

/** The error for `size` entries where `limit` are allowed. Effect `none`. */
export function tooMany(size: number, limit: number): QuorateError<"TOO_LARGE"> {
  const message = `${size} entries, at most ${limit} are allowed; raise maxEntries or prune`;
  const details = { option: "maxEntries", size, limit };
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

/** Position of `id`, or the complement (`~`) of where it would have to be inserted. */
export function find(ids: readonly NodeId[], id: NodeId): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = ids[middle] as NodeId;
    if (at === id) return middle;
    if (at < id) low = middle + 1;
    else high = middle;
  }
  return ~low;
}

/** Count of `id`; 0 if it has no entry. */
export function countOf({ ids, counts }: Entries, id: NodeId): number {
  return counts[find(ids, id)] ?? 0;
}

/** One more for `id`. A count of 2^53 - 1 is refused: the next one could not be told from it. */
export function ticked(old: Entries, id: NodeId): Entries {
  const index = find(old.ids, id);
  if (index < 0) {
    checkNodeId("id", id);
    const ids = old.ids.toSpliced(~index, 0, id);
    return entries(ids, old.counts.toSpliced(~index, 0, 1), old.maxEntries);
  }
  const count = old.counts[index] as number;
  if (count === Number.MAX_SAFE_INTEGER) {
    throw invalidArgument(
      "id",
      id,
      "an id whose count is below 2^53 - 1: this one can grow no more",
    );
  }
  const counts = old.counts.slice();
  counts[index] = count + 1;
  return entries(old.ids, counts, old.maxEntries);
}

/** The four answers, for `left` against `right`. Stops as soon as they are concurrent. */
export function compareEntries(left: Entries, right: Entries): Causality {
  if (sameRoster(left, right)) return compareCounts(left.counts, right.counts);
  return compareApart(left, right);
}

/** True if both have the same ids; from then on they share one array of them. */
function sameRoster(left: Entries, right: Entries): boolean {
  const { ids } = left;
  const others = right.ids;
  if (ids === others) return true;
  if (ids.length !== others.length) return false;
  for (let index = 0; index < ids.length; index++) {
    if (ids[index] !== others[index]) return false;
  }
  right.ids = ids;
  return true;
}

function compareCounts(left: readonly number[], right: readonly number[]): Causality {
  let less = false;
  let more = false;
  for (let index = 0; index < left.length; index++) {
    const a = left[index] as number;
    const b = right[index] as number;
    if (a === b) continue;
    if (a < b) less = true;
    else more = true;
    if (less && more) return "concurrent";
  }
  return verdict(less, more);
}

function compareApart(left: Entries, right: Entries): Causality {
  const { ids, counts } = left;
  const { ids: otherIds, counts: otherCounts } = right;
  let less = false;
  let more = false;
  let l = 0;
  let r = 0;
  while (l < ids.length && r < otherIds.length && !(less && more)) {
    const id = ids[l] as NodeId;
    const other = otherIds[r] as NodeId;
    if (id === other) {
      const a = counts[l++] as number;
      const b = otherCounts[r++] as number;
      if (a < b) less = true;
      else if (a > b) more = true;
    } else if (id < other) {
      more = true;
      l += 1;
    } else {
      less = true;
      r += 1;
    }
  }
  return verdict(less || r < otherIds.length, more || l < ids.length);
}

function verdict(less: boolean, more: boolean): Causality {
  if (less) return more ? "concurrent" : "before";
  return more ? "after" : "equal";
}

/** The larger count of each id. The result has the bound of `left`. */
export function mergedEntries(left: Entries, right: Entries): Entries {
  if (sameRoster(left, right)) return mergedCounts(left, right);
  const ids: NodeId[] = [];
  const counts: number[] = [];
  let l = 0;
  let r = 0;
  while (l < left.ids.length || r < right.ids.length) {
    const order = orderAt(left.ids[l], right.ids[r]);
    ids.push((order <= 0 ? left.ids[l] : right.ids[r]) as NodeId);
    const a = order <= 0 ? (left.counts[l++] as number) : 0;
    const b = order >= 0 ? (right.counts[r++] as number) : 0;
    counts.push(a > b ? a : b);
  }
  // As many ids as one side has: they are that side's ids. Keep its roster.
  if (ids.length === left.ids.length) return entries(left.ids, counts, left.maxEntries);
  if (ids.length === right.ids.length) return entries(right.ids, counts, left.maxEntries);
  return entries(ids, counts, left.maxEntries);
}

function mergedCounts(left: Entries, right: Entries): Entries {
  const counts = left.counts.slice();
  const others = right.counts;
  for (let index = 0; index < counts.length; index++) {
    const b = others[index] as number;
    if (b > (counts[index] as number)) counts[index] = b;
  }
  return entries(left.ids, counts, left.maxEntries);
}

/** Order of the next ids of two rosters; a side that is at its end comes last. */
function orderAt(left: NodeId | undefined, right: NodeId | undefined): number {
  if (left === undefined) return 1;
  if (right === undefined) return -1;
  return compareNodeIds(left, right);
}
