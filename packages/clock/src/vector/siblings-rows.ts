/**
 * Rows of a sibling set: per replica, how many writes are known and the values still alive.
 *
 * A row `{ replica, counter: 5, values: [e, d] }` says: five writes of this replica are known, and
 * the last two, dots 5 and 4, nobody has replaced yet. The alive ones are always the last of their
 * replica, because a context replaces *all* up to a counter. So a row is two numbers that only
 * grow, what is known (`counter`) and what is replaced (`counter` - number of values), and merging
 * two rows is the larger of each. All laws of merging follow from that.
 *
 * Almeida, Baquero, Gonçalves, Preguiça, Fonte, "Scalable and Accurate Causality Tracking for
 * Eventually Consistent Stores", DAIS 2014 (dotted version vector sets). Internal.
 */
import { invalidArgument } from "@quorate/core";

import { compareNodeIds, type NodeId } from "../node-id.ts";
import type { Causality } from "./entries.ts";
import type { VersionVector } from "./version-vector.ts";

/** What is known of one replica's writes. */
export interface Row<T> {
  readonly replica: NodeId;
  readonly counter: number;
  /** Alive, newest first: the value at `index` has the dot `counter - index`. */
  readonly values: readonly T[];
}

/** Rows in ascending order of replicas. */
export type Rows<T> = readonly Row<T>[];

/** Rows that know the writes of `context` as replaced, and no value. */
export function rowsOfContext(context: VersionVector): Rows<never> {
  return [...context].map(([replica, counter]) => ({ replica, counter, values: [] }));
}

/** Known to either, and alive in neither's eyes replaced. Where dots collide, `left`'s value. */
export function mergedRows<T>(left: Rows<T>, right: Rows<T>): Rows<T> {
  return paired(left, right).map(([mine, theirs]) => mergedRow(mine, theirs));
}

function mergedRow<T>(mine: Row<T> | undefined, theirs: Row<T> | undefined): Row<T> {
  if (mine === undefined) return theirs as Row<T>;
  if (theirs === undefined) return mine;
  const ahead = mine.counter >= theirs.counter ? mine : theirs;
  const alive = ahead.counter - Math.max(replaced(mine), replaced(theirs));
  return alive === ahead.values.length ? ahead : { ...ahead, values: ahead.values.slice(0, alive) };
}

/** The rows after one more write of `replica`. A counter of 2^53 - 1 can grow no more. */
export function writtenRows<T>(rows: Rows<T>, replica: NodeId, value: T): Rows<T> {
  const index = rows.findIndex((row) => compareNodeIds(row.replica, replica) >= 0);
  const row = rows[index];
  if (row === undefined) return [...rows, { replica, counter: 1, values: [value] }];
  if (row.replica !== replica) {
    return rows.toSpliced(index, 0, { replica, counter: 1, values: [value] });
  }
  if (row.counter === Number.MAX_SAFE_INTEGER) {
    throw invalidArgument("replica", replica, "one whose count of writes is below 2^53 - 1");
  }
  const values = [value, ...row.values];
  return rows.with(index, { replica, counter: row.counter + 1, values });
}

/** Which side would change by a merge: `before` means that `left` would and `right` would not. */
export function compareRows(left: Rows<unknown>, right: Rows<unknown>): Causality {
  let less = false;
  let more = false;
  for (const [mine = NOTHING, theirs = NOTHING] of paired(left, right)) {
    less ||= mine.counter < theirs.counter || replaced(mine) < replaced(theirs);
    more ||= mine.counter > theirs.counter || replaced(mine) > replaced(theirs);
  }
  if (less) return more ? "concurrent" : "before";
  return more ? "after" : "equal";
}

/** Number of values alive. */
export function countValues(rows: Rows<unknown>): number {
  return rows.reduce((sum, { values }) => sum + values.length, 0);
}

const NOTHING = { counter: 0, values: [] };

/** The writes of the row's replica up to this counter are replaced. */
function replaced({ counter, values }: Pick<Row<unknown>, "counter" | "values">): number {
  return counter - values.length;
}

/** The rows of both sides, those of one replica side by side, in ascending order. */
function paired<T>(left: Rows<T>, right: Rows<T>): [Row<T> | undefined, Row<T> | undefined][] {
  const pairs: [Row<T> | undefined, Row<T> | undefined][] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const mine = left[l];
    const theirs = right[r];
    const order = mine && theirs ? compareNodeIds(mine.replica, theirs.replica) : mine ? -1 : 1;
    pairs.push([order <= 0 ? mine : undefined, order >= 0 ? theirs : undefined]);
    if (order <= 0) l += 1;
    if (order >= 0) r += 1;
  }
  return pairs;
}
