/**
 * Why a history is not linearizable, for people.
 *
 * Shown are the longest order that the search found, its last operations, the state in which it
 * ended, and the operations of which one should have come next and none can. What is wrong is
 * usually one of these, or the one that wrote the state.
 *
 * Does not guarantee: that the culprit is among them. An order that got furthest is evidence of
 * where no explanation is left, not of which client was lied to.
 */
import type { Operation } from "./history/history.ts";
import type { Model } from "./model.ts";
import type { Problem } from "./search/problem.ts";
import type { Placement } from "./search/search.ts";
import { drawTimeline } from "./draw-timeline.ts";

/** What is wrong with one key. */
export interface Explanation {
  /** The object; empty where the history names none. */
  readonly key: string;
  /** The longest order found that the model allows. */
  readonly linearized: readonly Operation[];
  /** The state after it, as the model shows it. */
  readonly state: string;
  /** Those of which one must come next, and none can. */
  readonly unplaced: readonly Operation[];
  /** All of that as a text of some lines, with a timeline. */
  readonly text: string;
}

const SHOWN_BEFORE = 4;
const SHOWN_UNPLACED = 8;

/** The explanation of `best`, the order that got furthest. */
export function explain<S>(
  key: string,
  model: Model<S>,
  problem: Problem<S>,
  best: Placement,
): Explanation {
  const { operations, transitions } = problem;
  const placed = new Set(best.order);
  const linearized = best.order.map((index) => operations[index] as Operation);
  const left = operations.filter((_, index) => !placed.has(index));
  const firstReturn = Math.min(...finite(left.map(({ returnIndex }) => returnIndex)));
  const unplaced = left.filter(
    ({ outcome, callIndex }) => outcome === "ok" && callIndex < firstReturn,
  );
  const state = transitions.state(best.stateId);
  const shown = model.show?.(state) ?? model.identify?.(state) ?? JSON.stringify(state);
  const words = (operation: Operation): string => describeOperation(model, operation);
  const more = unplaced.length > SHOWN_UNPLACED ? ` (${SHOWN_UNPLACED} of ${unplaced.length})` : "";
  const text = [
    `${key === "" ? "" : `key ${JSON.stringify(key)}: `}not linearizable as a ${model.name}`,
    "",
    `${linearized.length} of ${operations.length} operations can be put in order. The last ones:`,
    ...linearized.slice(-SHOWN_BEFORE).map((operation) => line(operation, words)),
    `Then the state is: ${shown}`,
    `One of these must come next, and none can${more}:`,
    ...unplaced.slice(0, SHOWN_UNPLACED).map((operation) => line(operation, words)),
    "",
    ...drawTimeline(
      [...linearized.slice(-SHOWN_BEFORE), ...unplaced.slice(0, SHOWN_UNPLACED)],
      words,
    ),
  ].join("\n");
  return { key, linearized, state: shown, unplaced, text };
}

/** An operation in the model's words. */
function describeOperation<S>(model: Model<S>, operation: Operation): string {
  if (model.describe !== undefined) return model.describe(operation);
  const { f, argument, result, outcome } = operation;
  const asked = argument === null ? f : `${f} ${JSON.stringify(argument)}`;
  return `${asked} → ${outcome === "unknown" ? "?" : JSON.stringify(result)}`;
}

function line(operation: Operation, words: (operation: Operation) => string): string {
  const { process, op, calledMs, returnedMs } = operation;
  const who = op < 0 ? "" : `  ${process}, operation ${op}`;
  const when =
    returnedMs === Infinity ? `from ${ms(calledMs)}` : `${ms(calledMs)} to ${ms(returnedMs)}`;
  return `  ${words(operation)}${who}, ${when} ms`;
}

function ms(value: number): string {
  return String(Math.round(value * 1_000) / 1_000);
}

function finite(values: readonly number[]): number[] {
  return values.filter((value) => Number.isFinite(value));
}
