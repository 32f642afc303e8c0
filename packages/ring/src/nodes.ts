/**
 * Nodes, checked and in order: what every placement begins with.
 *
 * The order is that of the ids' UTF-8 bytes, in which every language can agree; it decides ties
 * between points and scores, so two processes must never differ in it.
 *
 * An id is a string of 1 to 16384 bytes, otherwise anything: `__proto__`, `a#1` and an emoji are
 * names like others, for no id is ever a property's name or put together with something else. The
 * empty id is refused because it is falsy and would read as "no owner" in `if (owner)`. Unpaired
 * surrogates are refused because UTF-8 turns all of them into the same U+FFFD: two such ids would
 * differ here, and be one everywhere else.
 */
import { boundedString, compareNames, invalidArgument, knownOptions } from "@quorate/core";
import type { NodeLike, PlacedNode } from "./placement.ts";

/** Longest id of a node, in bytes of UTF-8. */
export const MAX_NODE_ID_BYTES = 16_384;
/** Longest zone, in bytes of UTF-8. */
export const MAX_ZONE_BYTES = 1_024;
/** Most nodes of one placement. */
export const MAX_NODES = 65_536;
/** Largest weight. */
export const MAX_WEIGHT = 1_000_000;
/** Smallest weight but 0: below it, scores of rendezvous would run out of digits. */
export const MIN_WEIGHT = 0.000_001;

const ASCII = /^[\0-\x7f]*$/;

/** `node` with its defaults, frozen. Throws INVALID_ARGUMENT that names the field. */
export function checkNode(node: NodeLike): PlacedNode {
  if (typeof node !== "string" && (typeof node !== "object" || node === null)) {
    throw invalidArgument("node", node, "an id or an object with one");
  }
  const given = typeof node === "string" ? { id: node } : node;
  const { id, weight = 1, zone } = knownOptions("node", given, ["id", "weight", "zone"]);
  boundedString("node.id", id, MAX_NODE_ID_BYTES);
  if (zone !== undefined) boundedString("node.zone", zone, MAX_ZONE_BYTES);
  // Adding 0 turns -0 into 0: the two must not make different fingerprints.
  return Object.freeze({ id, weight: checkWeight(weight) + 0, zone });
}

/** Checks an id that is asked for, not added: any string will do, it is just not there. */
export function checkNodeId(id: string): string {
  if (typeof id === "string") return id;
  throw invalidArgument("id", id, "a string");
}

/** Checks a key: any string, the empty one and an ill-formed one too. */
export function checkKey(key: string): string {
  if (typeof key === "string") return key;
  throw invalidArgument("key", key, "a string");
}

/** Checks how many owners are asked for: 0 or more; more than there are is legal. */
export function checkCount(count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw invalidArgument("count", count, "an integer >= 0");
}

/**
 * `nodes` checked, each id once, in the order of ids. The same node twice is one; the same id with
 * another weight or zone is a contradiction and refused.
 */
export function checkNodes(nodes: Iterable<NodeLike>): readonly PlacedNode[] {
  const iterable = typeof nodes === "object" && nodes !== null && Symbol.iterator in nodes;
  if (!iterable) throw invalidArgument("nodes", nodes, "a list of nodes");
  const byId = new Map<string, PlacedNode>();
  for (const node of nodes) {
    const checked = checkNode(node);
    const known = byId.get(checked.id);
    if (known !== undefined && !sameNode(known, checked)) {
      const expected = "named once, or with the same weight and zone each time";
      throw invalidArgument("node.id", checked.id, expected);
    }
    if (known !== undefined) continue;
    if (byId.size === MAX_NODES) {
      throw invalidArgument("nodes", `more than ${MAX_NODES}`, `at most ${MAX_NODES} nodes`);
    }
    byId.set(checked.id, checked);
  }
  return Object.freeze(sortNodes([...byId.values()]));
}

/** `sorted` with `node` in its place, instead of the one of that id if there is one. */
export function withNode(sorted: readonly PlacedNode[], node: PlacedNode): readonly PlacedNode[] {
  const at = placeOf(sorted, node.id);
  const known = sorted[at]?.id === node.id ? 1 : 0;
  if (known === 0 && sorted.length === MAX_NODES) {
    throw invalidArgument("node", node.id, `one of at most ${MAX_NODES} nodes`);
  }
  return Object.freeze(sorted.toSpliced(at, known, node));
}

/** `sorted` without the node called `id`; the same list if that is not there. */
export function withoutNode(sorted: readonly PlacedNode[], id: string): readonly PlacedNode[] {
  const at = indexOf(sorted, id);
  return at < 0 ? sorted : Object.freeze(sorted.toSpliced(at, 1));
}

/** Place of the node called `id` in the sorted list; -1 if that is not there. */
export function indexOf(sorted: readonly PlacedNode[], id: string): number {
  const at = placeOf(sorted, id);
  return sorted[at]?.id === id ? at : -1;
}

/** True if `left` and `right` are one node with the same weight and zone. */
export function sameNode(left: PlacedNode, right: PlacedNode): boolean {
  return left.id === right.id && left.weight === right.weight && left.zone === right.zone;
}

function checkWeight(weight: number): number {
  if (weight === 0) return weight;
  if (typeof weight === "number" && weight >= MIN_WEIGHT && weight <= MAX_WEIGHT) return weight;
  throw invalidArgument("node.weight", weight, "0, or a number from 0.000001 to 1000000");
}

/** Where `id` stands in the sorted list, or would stand. */
export function placeOf(sorted: readonly PlacedNode[], id: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareNames((sorted[middle] as PlacedNode).id, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sortNodes(nodes: PlacedNode[]): PlacedNode[] {
  // Over ASCII the order of strings is that of their bytes, and asking once is cheaper than in
  // each comparison: a ring of 1000 nodes is built in a few milliseconds.
  const plain = nodes.every(({ id }) => ASCII.test(id));
  return plain
    ? nodes.sort((left, right) => (left.id < right.id ? -1 : 1))
    : nodes.sort((left, right) => compareNames(left.id, right.id));
}
