/**
 * Rings as arcs to draw: exact while they can be told apart, sampled beyond.
 *
 * 100 nodes have 16,000 arcs, of which a screen shows a tenth. Past a bound, the circle is looked
 * at in 1440 places, so that a picture of any ring stays small.
 */
import { findPoint, HASHES, type PointTable } from "../points/point-table.ts";
import { eachMove, eachStretch, type Ground } from "../ring-moves.ts";

/** A piece of the circle, in fractions of a turn, and what it is: a node's id or a mark. */
export interface Arc {
  readonly from: number;
  readonly to: number;
  readonly what: string;
}

const MOST_EXACT = 1_440;
const SAMPLES = 1_440;

/** The arcs of a ring, by owner, neighbours of one owner joined. */
export function ownershipArcs({ table, ids }: Ground): readonly Arc[] {
  return arcs(table, table, (owner) => ids[owner]);
}

/** What changes hands, as arcs. */
export function movedArcs(before: Ground, after: Ground): readonly Arc[] {
  const exact: Arc[] = [];
  eachMove(before, after, (first, last) => {
    const from = first / HASHES;
    if (exact.length <= MOST_EXACT) exact.push({ from, to: (last + 1) / HASHES, what: "moved" });
  });
  if (exact.length <= MOST_EXACT) return exact;
  return arcs(before.table, after.table, (from, to) =>
    before.ids[from] === after.ids[to] ? undefined : "moved",
  );
}

type Tell = (before: number, after: number) => string | undefined;

function arcs(before: PointTable, after: PointTable, tell: Tell): readonly Arc[] {
  const found: { from: number; to: number; what: string }[] = [];
  const add = (from: number, to: number, what: string | undefined): void => {
    const open = found.at(-1);
    if (what === undefined) return;
    if (open !== undefined && open.to === from && open.what === what) open.to = to;
    else found.push({ from, to, what });
  };
  if (before.size + after.size <= MOST_EXACT * 2) {
    eachStretch(before, after, (first, last, left, right) => {
      add(first / HASHES, (last + 1) / HASHES, tell(left, right));
    });
    return found;
  }
  for (let sample = 0; sample < SAMPLES; sample++) {
    const hash = Math.floor(((sample + 0.5) / SAMPLES) * HASHES);
    const what = tell(ownerOf(before, hash), ownerOf(after, hash));
    add(sample / SAMPLES, (sample + 1) / SAMPLES, what);
  }
  return found;
}

function ownerOf(table: PointTable, hash: number): number {
  return table.size === 0 ? -1 : (table.owners[findPoint(table, hash)] as number);
}
