/**
 * The id half of an interval tree clock: which parts of [0, 1) a process owns.
 *
 * 0 owns nothing, 1 everything, a pair divides the interval in the middle. Ids that are in use
 * never overlap; `split` hands out halves and `sum` gives them back. Normal form: (0, 0) is 0 and
 * (1, 1) is 1, so that equal ids are written equally.
 */
import { invalidArgument, QuorateError } from "@quorate/core";

/** Which parts of an interval are owned. */
export type IdTree = 0 | 1 | IdNode;

/** An interval divided in the middle. */
interface IdNode {
  readonly left: IdTree;
  readonly right: IdTree;
}

/** Deepest tree: forking always the same half a thousand times. Deeper is refused. */
export const MAX_TREE_DEPTH = 1_024;

/** A pair in normal form. */
function idNode(left: IdTree, right: IdTree): IdTree {
  if (left === 0 && right === 0) return 0;
  if (left === 1 && right === 1) return 1;
  return { left, right };
}

/**
 * Two ids that together are `id` and have nothing in common.
 *
 * @throws TOO_LARGE the tree would be deeper than `MAX_TREE_DEPTH`.
 */
export function split(id: IdTree, depth = 0): readonly [IdTree, IdTree] {
  if (depth >= MAX_TREE_DEPTH) throw tooDeep();
  if (id === 0) return [0, 0];
  if (id === 1) {
    return [
      { left: 1, right: 0 },
      { left: 0, right: 1 },
    ];
  }
  if (id.left === 0) {
    const [first, second] = split(id.right, depth + 1);
    return [idNode(0, first), idNode(0, second)];
  }
  if (id.right === 0) {
    const [first, second] = split(id.left, depth + 1);
    return [idNode(first, 0), idNode(second, 0)];
  }
  return [idNode(id.left, 0), idNode(0, id.right)];
}

/**
 * The parts of both.
 *
 * @throws INVALID_ARGUMENT they overlap: one of them was used twice.
 */
export function sum(first: IdTree, second: IdTree): IdTree {
  if (first === 0) return second;
  if (second === 0) return first;
  if (first === 1 || second === 1) {
    const expected = "a stamp whose id does not overlap ours: one of them was used twice";
    throw invalidArgument("other", "an overlapping id", expected);
  }
  return idNode(sum(first.left, second.left), sum(first.right, second.right));
}

/** The error for a tree beyond the bound. */
export function tooDeep(): QuorateError<"TOO_LARGE"> {
  const details = { option: "depth", size: MAX_TREE_DEPTH + 1, limit: MAX_TREE_DEPTH };
  const message =
    `the tree is deeper than ${MAX_TREE_DEPTH}: too many forks of one stamp without a join; ` +
    "fork evenly, and join the stamps of those who leave";
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

/** `(1, 0)`, as the paper writes it. */
export function formatId(id: IdTree): string {
  return typeof id === "number" ? `${id}` : `(${formatId(id.left)}, ${formatId(id.right)})`;
}
