/**
 * Zones: how to choose replicas so that they do not fail together.
 *
 * For placements that rank all nodes for a key. Replicas go to the best node of each zone first;
 * a zone is used again only when every zone has its replica, and then by rank alone.
 *
 * Guarantees: the best node stays first; the more zones than replicas there are, the fewer nodes
 * are passed over. Does not guarantee: balance between nodes, where zones are of unequal size; a
 * node alone in its zone is a replica of many keys.
 */
import { invalidArgument, knownOptions } from "@quorate/core";
import type { OwnersOptions, PlacedNode } from "./placement.ts";

/** What the owners must differ in. Throws INVALID_ARGUMENT for anything else. */
export function checkDistinct(options: OwnersOptions): "node" | "zone" {
  const { distinct = "node" } = knownOptions("options", options, ["distinct"]);
  if (distinct === "node" || distinct === "zone") return distinct;
  throw invalidArgument("options.distinct", distinct, '"node" or "zone"');
}

/** The ids of the first `count` of `ranked`, each zone once before any of them twice. */
export function zonesFirst(ranked: Iterable<PlacedNode>, count: number): string[] {
  const seen = new Set<string>();
  const first: string[] = [];
  const passedOver: string[] = [];
  for (const { id, zone } of ranked) {
    if (first.length === count) return first;
    if (zone !== undefined && seen.has(zone)) {
      passedOver.push(id);
      continue;
    }
    if (zone !== undefined) seen.add(zone);
    first.push(id);
  }
  return [...first, ...passedOver.slice(0, count - first.length)];
}
