/**
 * A key of a kv with revisions, as Quorate's own: values, conditions, and a number that grows.
 *
 * - `get` → `null`, or `{ value, revision }`
 * - `put { value, expect? }` → the new revision, or `false` when the condition did not hold;
 *   `expect` is a revision or `"absent"`
 * - `delete { expect? }` → `true`, or `false`: nothing was there, or not at that revision
 *
 * Revisions of a key are strictly greater with each put, over deletes too. A put whose outcome is
 * unknown got a revision that nobody was told; the first read that sees its value tells it.
 */
import type { Json } from "@quorate/core";
import { jsonText, sameJson } from "../json-text.ts";
import { type Model, type ModelOperation, notInModel, only, type Step } from "../model.ts";

/** What stands under a key, and every revision below which its next one cannot be. */
export interface RevisionState {
  readonly present: boolean;
  readonly value: Json;
  /** Of the last put; -1 while nobody was told. */
  readonly revision: number;
  /** No revision up to here is new any more. */
  readonly floor: number;
}

const UNTOLD = -1;
const NAME = "register with revisions";

/**
 * Model of one key with revisions.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "put", v: { value: "x", expect: "absent" } },
 *   { t: 1, p: "a", op: 0, type: "ok", f: "put", v: 7 },
 *   { t: 2, p: "b", op: 1, type: "invoke", f: "get" },
 *   { t: 3, p: "b", op: 1, type: "ok", f: "get", v: { value: "x", revision: 7 } },
 * ]);
 * console.log(checkLinearizable(history, revisionRegister()).verdict); // ok
 */
export function revisionRegister(): Model<RevisionState> {
  return {
    name: NAME,
    initial: { present: false, value: null, revision: UNTOLD, floor: 0 },
    step(state, operation) {
      if (operation.f === "get") return stepGet(state, operation);
      if (operation.f === "put") return stepPut(state, operation);
      if (operation.f === "delete") return stepDelete(state, operation);
      throw notInModel(NAME, operation);
    },
    identify: ({ present, value, revision, floor }) =>
      present ? `${revision}/${floor}/${jsonText(value)}` : `absent/${floor}`,
    // A get of an entry may tell a revision, so it is no mere observer. Refusals are.
    hint: ({ f, result, outcome }) =>
      result === false || (f === "get" && (outcome === "unknown" || result === null))
        ? { kind: "observe" }
        : undefined,
  };
}

function stepGet(state: RevisionState, operation: ModelOperation): Step<RevisionState> {
  const { result, outcome } = operation;
  if (outcome === "unknown") return only(true, state);
  if (result === null) return only(!state.present, state);
  const { value, revision } = fieldsOf(result);
  if (typeof revision !== "number") throw notInModel(NAME, operation);
  if (!state.present || !sameJson(state.value, value)) return only(false, state);
  return told(state, revision);
}

function stepPut(state: RevisionState, operation: ModelOperation): Step<RevisionState> {
  const { value = null, expect } = fieldsOf(operation.argument);
  const { result, outcome } = operation;
  const holds = expectation(state, expect);
  if (outcome === "ok" && result === false) return refusal(state, holds);
  if (outcome === "ok" && typeof result !== "number") throw notInModel(NAME, operation);
  if (!holds.ok) return holds;
  const { floor } = holds.state;
  if (outcome === "unknown") {
    return only(true, { present: true, value, revision: UNTOLD, floor: floor + 1 });
  }
  const revision = result as number;
  return only(revision > floor, { present: true, value, revision, floor: revision });
}

function stepDelete(state: RevisionState, operation: ModelOperation): Step<RevisionState> {
  const { expect } = fieldsOf(operation.argument);
  const { result, outcome } = operation;
  const holds = state.present ? expectation(state, expect) : only(false, state);
  if (outcome === "ok" && result === false) return refusal(state, holds);
  if (!holds.ok) return holds;
  const { floor } = holds.state;
  return only(true, { present: false, value: null, revision: UNTOLD, floor });
}

/** The state in which `expect` holds: a revision that nobody was told may be the expected one. */
function expectation(state: RevisionState, expect: Json | undefined): Step<RevisionState> {
  if (expect === undefined || expect === null) return only(true, state);
  if (expect === "absent") return only(!state.present, state);
  return state.present ? told(state, expect as number) : only(false, state);
}

/** Refused where the condition does not hold, or may not: an untold revision is some other one. */
function refusal(state: RevisionState, holds: Step<RevisionState>): Step<RevisionState> {
  const untold = state.present && state.revision === UNTOLD;
  const certain = holds.ok && !(untold && holds.state.revision !== UNTOLD);
  return only(!certain, state);
}

function told(state: RevisionState, revision: number): Step<RevisionState> {
  if (state.revision !== UNTOLD) return only(state.revision === revision, state);
  // The floor was raised by one for the untold revision: it is that or more.
  return only(revision >= state.floor, { ...state, revision, floor: revision });
}

function fieldsOf(value: Json): Readonly<Record<string, Json | undefined>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : {};
}
