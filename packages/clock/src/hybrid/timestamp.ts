/**
 * A hybrid timestamp: wall time that also respects cause and effect.
 *
 * 48 bits of milliseconds since 1970 (until the year 10889), 16 bits of counter for events that
 * the milliseconds cannot tell apart, and the node for those that are concurrent. Read as a time
 * it is off by no more than the clocks are; read as an order it never puts an effect before its
 * cause.
 */
import { invalidArgument, type Ms } from "@quorate/core";
import { checkNodeId, compareNodeIds, type NodeId } from "../node-id.ts";

/** Largest `timeMs`: 2⁴⁸ - 1, in the year 10889. */
export const MAX_TIME_MS = 281_474_976_710_655;
/** Largest `counter`: 2¹⁶ - 1. */
export const MAX_COUNTER = 65_535;

/** One event's place in the order of a hybrid clock. */
export interface HybridTimestamp {
  /** The largest wall time known at the event, since 1970. An integer up to `MAX_TIME_MS`. */
  readonly timeMs: Ms;
  /** Tells events of one `timeMs` apart. An integer up to `MAX_COUNTER`. */
  readonly counter: number;
  /** Who issued it; breaks ties between concurrent events. */
  readonly node: NodeId;
}

/** Total order: by time, then counter, then node id as `compareNodeIds` has it (by UTF-16 unit). */
export function compareHybrid(left: HybridTimestamp, right: HybridTimestamp): number {
  if (left.timeMs !== right.timeMs) return left.timeMs < right.timeMs ? -1 : 1;
  if (left.counter !== right.counter) return left.counter < right.counter ? -1 : 1;
  return compareNodeIds(left.node, right.node);
}

/** `value` if it is a timestamp; else `INVALID_ARGUMENT`. For what came over a wire. */
export function checkHybridTimestamp(option: string, value: HybridTimestamp): HybridTimestamp {
  if (typeof value !== "object" || value === null) {
    throw invalidArgument(option, value, "a hybrid timestamp");
  }
  if (!isWhole(value.timeMs, MAX_TIME_MS)) {
    throw invalidArgument(`${option}.timeMs`, value.timeMs, `an integer from 0 to ${MAX_TIME_MS}`);
  }
  if (!isWhole(value.counter, MAX_COUNTER)) {
    throw invalidArgument(
      `${option}.counter`,
      value.counter,
      `an integer from 0 to ${MAX_COUNTER}`,
    );
  }
  checkNodeId(`${option}.node`, value.node);
  return value;
}

/** True for an integer in [0, `max`]. */
export function isWhole(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}
