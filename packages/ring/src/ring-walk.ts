/**
 * The walk around a ring: nodes in the order in which a key meets them.
 *
 * The first met is the owner, the next is who would own the key without it, and so on. The walk is
 * lazy, for a ring of a thousand nodes is asked for three of them.
 */
import type { PlacedNode } from "./placement.ts";
import type { PointTable } from "./points/point-table.ts";

/** The nodes met from the point at `start` on, each once, until a whole turn is done. */
export function* walkRing(
  { size, owners }: PointTable,
  nodes: readonly PlacedNode[],
  start: number,
): Generator<PlacedNode> {
  const met = new Set<number>();
  for (let step = 0, at = start; step < size; step++, at++) {
    const owner = owners[at < size ? at : at - size] as number;
    if (met.has(owner)) continue;
    met.add(owner);
    yield nodes[owner] as PlacedNode;
  }
}

/**
 * The indexes of the first `count` nodes met from the point at `start` on. There must be as many.
 * The same as the beginning of `walkRing`, several times faster for the few that replicas are.
 */
export function firstMet({ size, owners }: PointTable, start: number, count: number): number[] {
  const met: number[] = [];
  for (let at = start; met.length < count; at++) {
    const owner = owners[at < size ? at : at - size] as number;
    if (!met.includes(owner)) met.push(owner);
  }
  return met;
}

/**
 * As much of `walk` as decides the first `count` with zones spread over `zones` zones: it ends
 * when all zones have been met, and enough nodes. Without it, the third replica in two zones would
 * cost a whole turn.
 */
export function* untilZonesMet(
  walk: Iterable<PlacedNode>,
  count: number,
  zones: number,
): Generator<PlacedNode> {
  const met = new Set<PlacedNode | string>();
  let nodes = 0;
  for (const node of walk) {
    yield node;
    nodes += 1;
    met.add(zoneOf(node));
    if (nodes >= count && met.size >= zones) return;
  }
}

/** How many zones `nodes` are in; a node without one is a zone of its own. */
export function countZones(nodes: readonly PlacedNode[]): number {
  return new Set(nodes.map(zoneOf)).size;
}

function zoneOf(node: PlacedNode): PlacedNode | string {
  return node.zone ?? node;
}
