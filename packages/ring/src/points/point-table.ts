/**
 * The points of all nodes in order, and a table of shortcuts into them.
 *
 * A key belongs to the first point at or after its hash; after the last point comes the first
 * again. The space of hashes is cut into as many equal buckets as there are points, and each
 * bucket knows its first point, so a look-up reads one shortcut and about one point: a binary
 * search over 16,000 would read fourteen.
 *
 * Equal points are both kept, the node with the lower id first; it owns what lies before them.
 * So when it goes, the other one is still there.
 *
 * One place past the last point stands a sentinel at 2³²−1 that belongs to the owner of the first
 * point: it ends every search, and it is the wrap-around.
 */
import { radixSort } from "./radix-sort.ts";

/** Points, ready for look-ups. Never changed once made. */
export interface PointTable {
  /** How many points there are, the sentinel not counted. */
  readonly size: number;
  /** `size` points in ascending order and the sentinel. */
  readonly points: Uint32Array;
  /** The index of each point's node, for the sentinel that of the first. */
  readonly owners: Uint16Array;
  /** For each bucket, where its first point is, or the next after it. */
  readonly buckets: Uint32Array;
  /** A hash shifted by this is the number of its bucket. */
  readonly shift: number;
}

/** One node's points in place of what it had: see `replaceNode`. */
export interface Replacement {
  /** The index of the node, before and after. */
  readonly at: number;
  /** How many points it had; `undefined` if it was not there. */
  readonly had: number | undefined;
  /** The points it has now, ascending; `undefined` if it is gone. */
  readonly has: Uint32Array | undefined;
}

/** 2³²: how many hashes there are. */
export const HASHES: number = 2 ** 32;
/** The last hash. */
export const LAST_HASH = 0xffff_ffff;

const MOST_BUCKET_BITS = 22;

/** Where the point is that owns `hash`; the sentinel's place in an empty table. */
export function findPoint({ points, buckets, shift }: PointTable, hash: number): number {
  let at = buckets[hash >>> shift] as number;
  while ((points[at] as number) < hash) at++;
  return at;
}

/** The table of points listed node by node, in the order of the nodes. */
export function buildTable(lists: readonly Uint32Array[]): PointTable {
  const size = lists.reduce((sum, { length }) => sum + length, 0);
  const points = new Uint32Array(size);
  const owners = new Uint16Array(size);
  let at = 0;
  for (const [index, list] of lists.entries()) {
    points.set(list, at);
    owners.fill(index, at, at + list.length);
    at += list.length;
  }
  const sorted = radixSort({ points, owners });
  const table = roomFor(size);
  table.points.set(sorted.points);
  table.owners.set(sorted.owners);
  return withShortcuts(table);
}

/** The table with one node's points replaced, in one pass over all of them. */
export function replaceNode(table: PointTable, { at, had, has }: Replacement): PointTable {
  const added = has ?? new Uint32Array();
  const { size, points: oldPoints, owners: oldOwners } = table;
  const room = roomFor(size - (had ?? 0) + added.length);
  const { points, owners } = room;
  // Nodes behind it move up by one when it comes and down by one when it goes.
  const step = (has === undefined ? 0 : 1) - (had === undefined ? 0 : 1);
  const left = had === undefined ? -1 : at;
  let next = 0;
  let place = 0;
  for (let from = 0; from < size; from++) {
    const owner = oldOwners[from] as number;
    if (owner === left) continue;
    const point = oldPoints[from] as number;
    // Of equal points, that of the lower index comes first.
    while (next < added.length) {
      const own = added[next] as number;
      if (own > point || (own === point && owner < at)) break;
      points[place] = own;
      owners[place++] = at;
      next++;
    }
    points[place] = point;
    owners[place++] = owner < at ? owner : owner + step;
  }
  points.set(added.subarray(next), place);
  owners.fill(at, place, place + added.length - next);
  return withShortcuts(room);
}

type Room = Omit<PointTable, "buckets" | "shift">;

/** An empty table for `size` points and the sentinel. */
function roomFor(size: number): Room {
  return { size, points: new Uint32Array(size + 1), owners: new Uint16Array(size + 1) };
}

/** `room` once it is filled: the sentinel and the shortcuts. */
function withShortcuts({ size, points, owners }: Room): PointTable {
  points[size] = LAST_HASH;
  owners[size] = owners[0] as number;
  // At least one bit, for a shift by 32 would be one by 0.
  const bits = Math.min(MOST_BUCKET_BITS, Math.max(1, Math.floor(Math.log2(size + 1))));
  const shift = 32 - bits;
  const buckets = new Uint32Array(2 ** bits);
  let bucket = 0;
  for (let at = 0; at < size; at++) {
    const own = (points[at] as number) >>> shift;
    while (bucket <= own) buckets[bucket++] = at;
  }
  return { size, points, owners, buckets: buckets.fill(size, bucket), shift };
}
