/**
 * Marks: the barrier inside of your own aggregate.
 *
 * Where the effect is a change of one record, the barrier's memory can be part of that record: then
 * one write changes the value and remembers the branch, and nothing is ever in doubt. `applyOnce`
 * decides, and gives back the marks to be written with the new value; it reads no clock and writes
 * nothing.
 *
 *     const applied = applyOnce(marks, { branch, operation: "try", nowMs }, () =>
 * reserve(account));
 *     // write account and encodeMarks(applied.marks) in one compare-and-set, then answer
 *
 * Guarantees: exact, if value and marks are written together and only over what was read. Bounded:
 * marks older than `retentionMs` go; where too many are younger, the change is refused, since
 * forgetting a young tombstone would let a late try in.
 */
import {
  isQuorateError,
  type Json,
  type Ms,
  positiveInteger,
  QuorateError,
  show,
} from "@quorate/core";

import { type Answer, jsonOf, NOTHING, refusalOf, valueOf } from "./answer.ts";
import { checkBranch } from "./branch.ts";
import { refusedError } from "./errors.ts";
import { actionFor, type BranchState, type Operation, SETTLED } from "./machine.ts";
import { DEFAULT_RESULT_BYTES, DEFAULT_RETENTION_MS } from "./options.ts";
import { type Answers, decodeAnswers, encodeAnswers } from "./record.ts";

/** What is remembered of one branch. */
export interface Mark {
  readonly state: Extract<BranchState, "tried" | "refused" | "confirmed" | "cancelled">;
  /** When it was written, by the wall clock of who wrote it. */
  readonly atMs: Ms;
  readonly answers: Answers;
}

/** Marks by branch, in the order of their last change. */
export type Marks = ReadonlyMap<string, Mark>;

/** One call of `applyOnce`. */
export interface MarkCall {
  /** `<transaction>/<step>`; `branchOf(key)` makes it of a key. */
  readonly branch: string;
  readonly operation: Operation;
  /** Wall time, from whoever has a clock. */
  readonly nowMs: Ms;
  /** How long a mark is kept after its last change. @default 7 days */
  readonly retentionMs?: Ms;
  /** Most marks. @default 1000 */
  readonly maxMarks?: number;
}

/** What came of it. `marks` is the same object as before if nothing is to be written. */
export type Applied<T> = { readonly marks: Marks; readonly replayed: boolean } & (
  | { readonly kind: "value"; readonly value: T | undefined }
  | { readonly kind: "refused"; readonly error: QuorateError<"REFUSED"> }
);

/** No marks yet. */
export const NO_MARKS: Marks = new Map();

/**
 * Runs `change` unless the marks know better, and says which marks to write with its effect.
 *
 * `change` is pure and quick; it is given the branch's try, and may throw `refuse()`, which a try
 * remembers. A cancel of what never was runs nothing.
 *
 * @throws BARRIER_REFUSED a late try, an early confirm, or a conflict. Nothing is to be written.
 * @throws TOO_LARGE `maxMarks` younger than `retentionMs` are there already.
 * @throws INVALID_ARGUMENT the branch is none, or the result is not JSON.
 *
 * @example
 * import { applyOnce, NO_MARKS } from "@quorate/transaction";
 * const call = { branch: "transfer-9/debit", nowMs: Date.now() };
 * const cancelled = applyOnce(NO_MARKS, { ...call, operation: "cancel" }, () => "never");
 * console.log(cancelled.marks.get("transfer-9/debit")?.state); // => cancelled
 */
export function applyOnce<T>(
  marks: Marks,
  call: MarkCall,
  change: (tried: Json | undefined) => T,
): Applied<T> {
  const branch = checkBranch("branch", call.branch);
  const { operation } = call;
  const mark = marks.get(branch);
  const state = mark?.state ?? "none";
  const action = actionFor(operation, state);
  if (action === "replay") return replayOf<T>(marks, mark?.answers.get(operation), branch);
  if (action === "bury") return appliedOf<T>(marked(marks, call, "cancelled", NOTHING), NOTHING);
  if (action !== "work") {
    const why = action === "again" ? "conflict" : action;
    throw refusedError(branch, operation, state, why);
  }
  const tried = mark?.answers.get("try");
  try {
    const value = change(tried?.kind === "value" ? tried.value : undefined);
    const json = jsonOf("result", value, DEFAULT_RESULT_BYTES);
    const answer: Answer = { kind: "value", value: json };
    return appliedOf<T>(marked(marks, call, SETTLED[operation], answer), answer);
  } catch (error) {
    const refusal = operation === "try" ? refusalOf(error, DEFAULT_RESULT_BYTES) : undefined;
    if (refusal === undefined) throw error;
    return appliedOf<T>(marked(marks, call, "refused", refusal), refusal);
  }
}

function replayOf<T>(marks: Marks, answer: Answer | undefined, branch: string): Applied<T> {
  return { ...settledOf<T>(answer ?? NOTHING, branch), marks, replayed: true };
}

function appliedOf<T>(marks: Marks, answer: Answer): Applied<T> {
  return { ...settledOf<T>(answer, ""), marks, replayed: false };
}

type Settled<T> =
  | { readonly kind: "value"; readonly value: T | undefined }
  | { readonly kind: "refused"; readonly error: QuorateError<"REFUSED"> };

function settledOf<T>(answer: Answer, branch: string): Settled<T> {
  try {
    return { kind: "value", value: valueOf(answer, branch) as T | undefined };
  } catch (error) {
    if (isQuorateError(error, "REFUSED")) return { kind: "refused", error };
    throw error;
  }
}

/** The marks with one more, without those whose time is over. */
function marked(marks: Marks, call: MarkCall, state: Mark["state"], answer: Answer): Marks {
  const { branch, operation, nowMs } = call;
  const keptSinceMs = nowMs - (call.retentionMs ?? DEFAULT_RETENTION_MS);
  const next = new Map<string, Mark>();
  for (const [name, mark] of marks) {
    if (name !== branch && mark.atMs >= keptSinceMs) next.set(name, mark);
  }
  const limit = positiveInteger("maxMarks", call.maxMarks ?? 1_000);
  if (next.size >= limit) throw tooManyMarks(branch, next.size + 1, limit);
  const answers = new Map(marks.get(branch)?.answers ?? []).set(operation, answer);
  return next.set(branch, { state, atMs: nowMs, answers });
}

function tooManyMarks(branch: string, size: number, limit: number): QuorateError<"TOO_LARGE"> {
  const message =
    `${show(branch)} would be mark ${size} of this record, at most ${limit} are allowed, and ` +
    "none is old enough to be forgotten. Nothing was changed; split the record, or raise maxMarks";
  const details = { option: "maxMarks", size, limit };
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

const MARKED: ReadonlySet<unknown> = new Set(["tried", "refused", "confirmed", "cancelled"]);

/** The marks as JSON, to be stored in your record. */
export function encodeMarks(marks: Marks): Json {
  return [...marks].map(([branch, { state, atMs, answers }]) => ({
    branch,
    state,
    atMs,
    ...encodeAnswers(answers),
  }));
}

/**
 * Reads what `encodeMarks` made, as `JSON.parse` or `parseJson` gave it; `undefined`: no marks yet.
 *
 * @throws RECORD_INVALID it is something else.
 */
export function decodeMarks(json: Json | undefined): Marks {
  if (json === undefined) return NO_MARKS;
  const marks = new Map<string, Mark>();
  for (const one of Array.isArray(json) ? (json as readonly Json[]) : [null]) {
    const [branch, mark] = decodeMark(one);
    marks.set(branch, mark);
  }
  return marks;
}

function decodeMark(json: Json): [string, Mark] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw damaged("marks");
  const { branch, state, atMs, answers: stored } = json as { readonly [key: string]: Json };
  const answers = decodeAnswers(stored);
  if (typeof branch !== "string") throw damaged("marks");
  if (!MARKED.has(state) || typeof atMs !== "number" || answers === undefined) {
    throw damaged(branch);
  }
  return [branch, { state: state as Mark["state"], atMs, answers }];
}

function damaged(key: string): QuorateError<"RECORD_INVALID"> {
  const reason = "its marks are not what encodeMarks makes";
  const message = `the marks of ${show(key)} cannot be read: ${reason}; nothing was changed`;
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}
