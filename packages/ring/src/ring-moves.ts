/**
 * The exact difference of two rings, as ranges of hashes.
 *
 * Both rings cut the circle of hashes at their points. One walk over all cuts compares the owners
 * before and after; neighbours that move alike are joined. The ranges are disjoint, ascending and
 * never wrap around 0, so each is one `BETWEEN` in a query over a column of hashes.
 */
import type { Move } from "./moves.ts";
import { HASHES, LAST_HASH, type PointTable } from "./points/point-table.ts";

/** Hashes from `first` to `last`, both included; never wraps around. */
export interface HashRange {
  /** The lowest hash that is meant, 0 to 2³²−1. */
  readonly first: number;
  /** The highest hash that is meant, 0 to 2³²−1. */
  readonly last: number;
}

/** Hashes that change hands; `share` is always known. */
export interface RingMove extends Move<HashRange> {
  /** The fraction of all hashes that `range` is. */
  readonly share: number;
}

/** A ring as the walk needs it: points, and the ids of their nodes. */
export interface Ground {
  readonly table: PointTable;
  readonly ids: readonly string[];
}

/** Told of each stretch in turn; the indexes are those of the nodes, -1 for nobody. */
export type VisitStretch = (first: number, last: number, from: number, to: number) => void;

/** The moves from `before` to `after`. */
export function movesBetween(before: Ground, after: Ground): readonly RingMove[] {
  const moves: RingMove[] = [];
  eachMove(before, after, (first, last, from, to) => {
    const share = (last - first + 1) / HASHES;
    moves.push({ from: before.ids[from], to: after.ids[to], range: { first, last }, share });
  });
  return moves;
}

/** Calls `visit` for each stretch of hashes whose owner differs, in ascending order. */
export function eachMove(before: Ground, after: Ground, visit: VisitStretch): void {
  const places = new Map(after.ids.map((id, index) => [id, index]));
  // Where each node of `before` is in `after`. The last place is for nobody: -1 stays -1.
  const renumbered = [...before.ids.map((id) => places.get(id) ?? -2), -1];
  const same = (from: number, to: number): boolean => renumbered.at(from) === to;
  let pending: { first: number; last: number; from: number; to: number } | undefined;
  eachStretch(before.table, after.table, (first, last, from, to) => {
    if (same(from, to)) return;
    const { from: lastFrom, to: lastTo } = pending ?? {};
    if (pending !== undefined && from === lastFrom && to === lastTo && pending.last + 1 === first) {
      pending.last = last;
      return;
    }
    if (pending !== undefined) visit(pending.first, pending.last, pending.from, pending.to);
    pending = { first, last, from, to };
  });
  if (pending !== undefined) visit(pending.first, pending.last, pending.from, pending.to);
}

/** Calls `visit` for each stretch between two cuts of either table: together, all hashes. */
export function eachStretch(before: PointTable, after: PointTable, visit: VisitStretch): void {
  let left = 0;
  let right = 0;
  for (let first = 0; first <= LAST_HASH;) {
    while ((before.points[left] as number) < first) left++;
    while ((after.points[right] as number) < first) right++;
    const last = Math.min(before.points[left] as number, after.points[right] as number);
    visit(first, last, ownerAt(before, left), ownerAt(after, right));
    first = last + 1;
  }
}

function ownerAt(table: PointTable, at: number): number {
  return table.size === 0 ? -1 : (table.owners[at] as number);
}
