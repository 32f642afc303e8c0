/**
 * Node ids: the one rule for all clocks of this package, and the one order.
 *
 * An id is an opaque string: a host name, a UUID, `10.0.0.7:7000`. Any text will do, `__proto__`
 * and emoji too, as ids are never keys of plain objects. Refused are the empty string, more than
 * `MAX_NODE_ID_BYTES` bytes of UTF-8, and unpaired surrogates: two of these become the same
 * replacement character on any wire, and two nodes would then share one counter.
 *
 * Guarantees: what passes `checkNodeId` survives UTF-8 and JSON unchanged and differs there from
 * every other id. Does not guarantee: that an id is used by one process only. A process that has
 * lost its counters must come back under a new id (say, host name and boot nonce); with the old
 * one it hands out numbers a second time, and no clock can tell the new events from the old.
 */
import { boundedString } from "@quorate/core";

/** Name of a process, replica or actor whose events a clock counts. */
export type NodeId = string;

/** Longest node id, in bytes of UTF-8. */
export const MAX_NODE_ID_BYTES = 128;

/** A UTF-16 unit is at most 3 bytes of UTF-8, so what is as short as this needs no counting. */
const SURELY_SHORT = Math.floor(MAX_NODE_ID_BYTES / 3);

/** `id` if it is a node id; else `INVALID_ARGUMENT`, which names `option`. Effect `none`. */
export function checkNodeId(option: string, id: NodeId): NodeId {
  if (isShort(id) && id.isWellFormed()) return id;
  return boundedString(option, id, MAX_NODE_ID_BYTES);
}

/**
 * Order of ids: by UTF-16 unit, as `<` and `Array.prototype.sort` have it. The same in every
 * process, never by locale. It equals the order of UTF-8 bytes unless ids mix characters above
 * U+FFFF (emoji) with some from U+E000 to U+FFFF.
 */
export function compareNodeIds(left: NodeId, right: NodeId): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function isShort(id: NodeId): boolean {
  return typeof id === "string" && id.length > 0 && id.length <= SURELY_SHORT;
}
