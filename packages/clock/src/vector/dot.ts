/**
 * Dot: the name of one write, "the nth that this replica coordinated".
 *
 * A version vector says "the first n writes of each replica"; a dot says "that one, and nothing
 * about those before it". Where both are kept apart, a value can be told from the history that its
 * writer had seen, and that is all there is to dotted version vectors.
 */
import { invalidArgument, position } from "@quorate/core";

import { checkNodeId, type NodeId } from "../node-id.ts";

/** One write. Unique, if no replica ever hands out a counter twice. */
export interface Dot {
  /** The replica that coordinated the write, not the client that asked for it. */
  readonly replica: NodeId;
  /** The how-manyeth of that replica: 1, 2, 3 … */
  readonly counter: number;
}

/** `dot` if it is one; else `INVALID_ARGUMENT`, which names `option`. */
export function checkDot(option: string, dot: Dot): Dot {
  if (typeof dot !== "object" || dot === null) throw invalidArgument(option, dot, "a dot");
  checkNodeId(`${option}.replica`, dot.replica);
  position(`${option}.counter`, dot.counter);
  return dot;
}
