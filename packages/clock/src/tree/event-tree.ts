/**
 * The event half of an interval tree clock: how many events each point of [0, 1) has seen.
 *
 * A number says it for a whole interval; a node is a base plus what its halves have beyond it.
 * Normal form: one half has a base of zero, and halves that are equal numbers are sunk into the
 * node; so equal functions are written equally, and a clock that is joined becomes small again.
 */
import { QuorateError } from "@quorate/core";
import { type IdTree, MAX_TREE_DEPTH, tooDeep } from "./id-tree.ts";

/** Events seen at each point of an interval. Safe integers. */
export type EventTree = number | EventNode;

/** An interval divided in the middle. */
interface EventNode {
  /** What both halves have. */
  readonly base: number;
  readonly left: EventTree;
  readonly right: EventTree;
}

/** Making a leaf into a node costs more than any path: trees grow in depth only if they must. */
const EXPANSION_COST = 2 ** 20;

/** What both halves have at least. */
export function baseOf(tree: EventTree): number {
  return typeof tree === "number" ? tree : tree.base;
}

/** `tree` with `by` added everywhere. */
function lift(tree: EventTree, by: number): EventTree {
  if (by === 0) return tree;
  return typeof tree === "number" ? tree + by : { ...tree, base: tree.base + by };
}

/** A node in normal form. */
function eventNode(base: number, left: EventTree, right: EventTree): EventTree {
  if (typeof left === "number" && left === right) return base + left;
  const least = Math.min(baseOf(left), baseOf(right));
  return { base: base + least, left: lift(left, -least), right: lift(right, -least) };
}

/** The largest count anywhere. */
function heightOf(tree: EventTree): number {
  if (typeof tree === "number") return tree;
  return tree.base + Math.max(heightOf(tree.left), heightOf(tree.right));
}

/** True if `first` is nowhere above `second`. */
export function leq(first: EventTree, second: EventTree, by = 0, than = 0): boolean {
  if (typeof first === "number") return first + by <= baseOf(second) + than;
  const base = first.base + by;
  if (typeof second === "number") {
    return leq(first.left, second, base, than) && leq(first.right, second, base, than);
  }
  const other = second.base + than;
  if (base > other) return false;
  return leq(first.left, second.left, base, other) && leq(first.right, second.right, base, other);
}

/** The larger of both, everywhere. */
export function joinEvents(first: EventTree, second: EventTree): EventTree {
  if (typeof first === "number" && typeof second === "number") return Math.max(first, second);
  const one = asNode(first);
  const two = asNode(second);
  const [low, high] = one.base <= two.base ? [one, two] : [two, one];
  const by = high.base - low.base;
  return eventNode(
    low.base,
    joinEvents(low.left, lift(high.left, by)),
    joinEvents(low.right, lift(high.right, by)),
  );
}

/**
 * `tree` with one more event somewhere that `id` owns: a free simplification where there is one,
 * else the cheapest growth.
 *
 * @throws TOO_LARGE a count would pass 2⁵³ - 1, or the tree `MAX_TREE_DEPTH`.
 */
export function addEvent(id: IdTree, tree: EventTree): EventTree {
  const filled = fill(id, tree);
  // Trees in normal form are compared by what they say: fill never lowers, so "not above" is equal.
  const next = leq(filled, tree) ? grow(id, tree, 0).tree : filled;
  if (heightOf(next) > Number.MAX_SAFE_INTEGER) throw tooManyEvents();
  return next;
}

/** Raises what `id` owns as far as that makes the tree simpler without a growth anywhere else. */
function fill(id: IdTree, tree: EventTree): EventTree {
  if (id === 0 || typeof tree === "number") return tree;
  if (id === 1) return heightOf(tree);
  const { base, left, right } = tree;
  if (id.left === 1) {
    const filled = fill(id.right, right);
    return eventNode(base, Math.max(heightOf(left), baseOf(filled)), filled);
  }
  if (id.right === 1) {
    const filled = fill(id.left, left);
    return eventNode(base, filled, Math.max(heightOf(right), baseOf(filled)));
  }
  return eventNode(base, fill(id.left, left), fill(id.right, right));
}

interface Grown {
  readonly cost: number;
  readonly tree: EventTree;
}

/** One more event at the cheapest place that `id` owns. `id` is not 0. */
function grow(id: IdTree, tree: EventTree, depth: number): Grown {
  if (depth > MAX_TREE_DEPTH) throw tooDeep();
  if (typeof tree === "number") {
    if (id === 1) return { cost: 0, tree: tree + 1 };
    const grown = grow(id, { base: tree, left: 0, right: 0 }, depth);
    return { cost: grown.cost + EXPANSION_COST, tree: grown.tree };
  }
  // `fill` has dealt with an id that owns the whole of a node.
  const { left, right } = id as Exclude<IdTree, number>;
  const inLeft = left === 0 ? undefined : grow(left, tree.left, depth + 1);
  const inRight = right === 0 ? undefined : grow(right, tree.right, depth + 1);
  if (inRight === undefined || (inLeft !== undefined && inLeft.cost < inRight.cost)) {
    const { cost, tree: grown } = inLeft as Grown;
    return { cost: cost + 1, tree: { ...tree, left: grown } };
  }
  return { cost: inRight.cost + 1, tree: { ...tree, right: inRight.tree } };
}

function asNode(tree: EventTree): EventNode {
  return typeof tree === "number" ? { base: tree, left: 0, right: 0 } : tree;
}

/** `(0, 1, 0)`, as the paper writes it. */
export function formatEvents(tree: EventTree): string {
  if (typeof tree === "number") return `${tree}`;
  return `(${tree.base}, ${formatEvents(tree.left)}, ${formatEvents(tree.right)})`;
}

/** The error for counts beyond safe integers. */
export function tooManyEvents(): QuorateError<"TOO_LARGE"> {
  const details = { option: "events", size: 2 ** 53, limit: Number.MAX_SAFE_INTEGER };
  const message = "a stamp cannot count beyond 2^53 - 1 events; somebody has forged one";
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}
