/**
 * Where a node's points lie.
 *
 * Two hashes of the id, and from them as many points as the weight asks for. The number depends on
 * the node alone, never on a total, and point number v is the same however many there are. Hence
 * the two promises of the ring: a change of one weight moves keys to or from that node only, and
 * a weight that grows by a tenth adds a tenth of the points and touches none of the others.
 *
 * Ids are hashed whole, nothing is put together with them: `a#1` cannot meet the first point of
 * `a`. Of two nodes whose first hashes fall on one sequence, the second hash sends every point
 * elsewhere; one sequence alone would collide in all its later points.
 */
import { invalidArgument } from "@quorate/core";
import type { RingHash } from "../hash/ring-hash.ts";
import type { PlacedNode } from "../placement.ts";

/** Most points of one ring: 16 million, some 170 MB. */
export const MAX_POINTS: number = 2 ** 24;

const GOLDEN = 0x9e3779b9; // 2³² over the golden ratio: its multiples are spread evenly.
const OTHER_SEED = 0x5bd1e995;

/** How points are made: so many per unit of weight, by this hash and seed. */
export interface Scatter {
  readonly perWeight: number;
  readonly seed: number;
  readonly hash: RingHash;
}

/** How many points `node` has: at least one unless it is drained. */
export function pointCount(node: PlacedNode, perWeight: number): number {
  return node.weight === 0 ? 0 : Math.max(1, Math.round(node.weight * perWeight));
}

/** Throws INVALID_ARGUMENT if `nodes` would have more points than a ring may. */
export function checkPointCount(nodes: readonly PlacedNode[], perWeight: number): void {
  const total = nodes.reduce((sum, node) => sum + pointCount(node, perWeight), 0);
  if (total <= MAX_POINTS) return;
  const expected = `such that all nodes together have at most ${MAX_POINTS} points`;
  throw invalidArgument("points times the nodes' weights", total, expected);
}

/** The points of `node`, in the order in which a growing weight adds them. */
export function scatter(node: PlacedNode, { perWeight, seed, hash }: Scatter): Uint32Array {
  const points = new Uint32Array(pointCount(node, perWeight));
  const first = hash.of(node.id, seed) | 0;
  const second = hash.of(node.id, seed ^ OTHER_SEED) | 0;
  for (let number = 0; number < points.length; number++) {
    points[number] = hash.mix(hash.mix((first + Math.imul(number, GOLDEN)) | 0) ^ second);
  }
  return points;
}
