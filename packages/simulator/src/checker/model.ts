/**
 * A model: what an object would do if it did one thing at a time.
 *
 * The checker asks one question again and again: in this state, can this operation have had this
 * result, and what is the state then? A model answers it, and nothing else; it knows no time and
 * no concurrency. Write one for your own service: `name`, `initial` and `step` are enough.
 *
 * `step` is pure; equal questions are asked once. Hints are promises that let the checker search
 * less. A model without them is slower, never wrong; a wrong hint makes wrong verdicts, so promise
 * only what holds in every state.
 */
import { invalidArgument, type Json } from "@quorate/core";
import { jsonText } from "./json-text.ts";
import type { Operation } from "./history/history.ts";

/** An operation as a model sees it: no time, and nobody in particular. */
export interface ModelOperation {
  readonly f: string;
  readonly key: string;
  readonly argument: Json;
  /** `null` when the outcome is unknown. */
  readonly result: Json;
  /** `unknown`: say what happens *if* it happens; whether it does is the checker's to find out. */
  readonly outcome: "ok" | "unknown";
}

/** What a step comes to: impossible with that result in that state, or the state after. */
export type Step<S> = { readonly ok: true; readonly state: S } | { readonly ok: false };

/**
 * A promise about one operation, in every state of the model.
 * - `observe`: wherever it is possible it leaves the state as it is (a read, a refusal). With `in`:
 *   it is possible in that state alone.
 * - `assign`: possible everywhere, and leaves `to` whatever was before (a blind write).
 * - `move`: possible in state `from` alone (a compare-and-set that won).
 */
export type Hint<S> =
  | { readonly kind: "observe"; readonly in?: S }
  | { readonly kind: "assign"; readonly to: S }
  | { readonly kind: "move"; readonly from: S };

/**
 * A sequential object with states `S`.
 *
 * @example
 * const counter: Model<number> = {
 *   name: "counter",
 *   initial: 0,
 *   step(count, { f, result, outcome }) {
 *     if (f === "increment") return { ok: true, state: count + 1 };
 *     const possible = outcome === "unknown" || result === count;
 *     return possible ? { ok: true, state: count } : { ok: false };
 *   },
 * };
 * console.log(counter.name);
 */
export interface Model<S> {
  /** What a verdict calls it. */
  readonly name: string;
  /** The state before anything. States are values: `step` returns a new one, changes none. */
  readonly initial: S;
  /** Whether `operation` is possible in `state`, and the state after it. */
  step(state: S, operation: ModelOperation): Step<S>;
  /** Equal states must have equal texts, different ones different. @default the state as JSON */
  identify?(state: S): string;
  /** What holds of `operation` in every state. @default nothing is promised */
  hint?(operation: ModelOperation): Hint<S> | undefined;
  /**
   * The operations of one key as they are to be checked: rewritten (who asked belongs into the
   * argument, if it matters), or with more of them. What may happen unasked, as a lease expires,
   * is an operation with outcome `unknown` and `callIndex` -1: possible from `calledMs` on.
   * @default as they are
   */
  prepare?(operations: readonly Operation[]): readonly Operation[];
  /** `operation` for people. @default `f argument → result` */
  describe?(operation: ModelOperation): string;
  /** `state` for people. @default as `identify` */
  show?(state: S): string;
}

/** The step that cannot be. */
const IMPOSSIBLE: { readonly ok: false } = { ok: false };

/** The step to `state`. */
export function to<S>(state: S): Step<S> {
  return { ok: true, state };
}

/** The step to `state` if `possible`, else none. */
export function only<S>(possible: boolean, state: S): Step<S> {
  return possible ? { ok: true, state } : IMPOSSIBLE;
}

/** The error for an operation that `model` has no words for. */
export function notInModel(model: string, { f, argument, result }: ModelOperation): Error {
  const asked = `${f} ${jsonText(argument)} → ${jsonText(result)}`;
  return invalidArgument("history", asked, `operations that the model "${model}" knows`);
}
