/**
 * Who owns how much of the circle.
 *
 * An arc is what lies between a point and the one before it, the point included. Lengths are
 * counted in hashes, whole numbers up to 2³², so that sums are exact and shares add up to 1.
 */
import type { HashRange } from "../ring-moves.ts";
import { HASHES, LAST_HASH, type PointTable } from "./point-table.ts";

/** How many hashes each of `count` nodes owns, by index. */
export function hashesByNode({ size, points, owners }: PointTable, count: number): Float64Array {
  const hashes = new Float64Array(count);
  if (size === 0) return hashes;
  let before = (points[size - 1] as number) - HASHES; // The last point, one turn earlier.
  for (let at = 0; at < size; at++) {
    const owner = owners[at] as number;
    hashes[owner] = (hashes[owner] as number) + (points[at] as number) - before;
    before = points[at] as number;
  }
  return hashes;
}

/** What the node of this index owns, ascending, neighbours joined, cut at 0. */
export function rangesOf({ size, points, owners }: PointTable, index: number): HashRange[] {
  const ranges: { first: number; last: number }[] = [];
  let first = 0;
  // The sentinel is the stretch after the last point, which belongs to the first point's node.
  for (let at = 0; at <= size && size > 0; at++) {
    const last = at === size ? LAST_HASH : (points[at] as number);
    if (last < first) continue;
    if (owners[at] === index) {
      const open = ranges.at(-1);
      if (open !== undefined && open.last + 1 === first) open.last = last;
      else ranges.push({ first, last });
    }
    first = last + 1;
  }
  return ranges;
}

/** A flag for each of `count` nodes: 1 for those that have points. */
export function placedNodes({ size, owners }: PointTable, count: number): Uint8Array {
  const placed = new Uint8Array(count);
  for (let at = 0; at < size; at++) placed[owners[at] as number] = 1;
  return placed;
}
