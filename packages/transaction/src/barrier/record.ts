/**
 * The record of a branch, as text that a person can read:
 *
 *     {"v":1,"branch":"order-7/charge","state":"tried","attempt":1,"answers":{"try":{"value":…}}}
 *
 * Records are foreign input: parsed within bounds, and what does not fit is refused and left alone.
 */
import { type Entry, type Json, type Ms, parseJson } from "@quorate/core";

import { type Answer, decodeAnswer, encodeAnswer } from "./answer.ts";
import { recordInvalid } from "./errors.ts";
import { type BranchState, type Operation, OPERATIONS, STATES } from "./machine.ts";

/** What the cancel's work is told of the try. */
export type TryOutcome = "done" | "unknown";

/** Answers by operation. */
export type Answers = ReadonlyMap<Operation, Answer>;

/** A branch, as it is stored. */
export interface BranchRecord {
  readonly branch: string;
  readonly state: Exclude<BranchState, "none">;
  /** Runs of the present operation's work that were begun. */
  readonly attempt: number;
  /** Of the try, once the cancel has begun its work. */
  readonly outcome: TryOutcome | undefined;
  /** How long the run under way may take before another takes it over; 0: it has ended. */
  readonly leaseMs: Ms;
  /** For how long this write was to be kept: with what is left of it, the lease's age. */
  readonly keptMs: Ms;
  readonly answers: Answers;
}

const VERSION = 1;
const MAX_BYTES = 1_048_576;
const KNOWN: ReadonlySet<unknown> = new Set(STATES.filter((state) => state !== "none"));

/** The text of a record. */
export function encodeRecord(record: BranchRecord): string {
  const { branch, state, attempt, outcome, leaseMs, keptMs, answers } = record;
  const kept = encodeAnswers(answers);
  return JSON.stringify({ v: VERSION, branch, state, attempt, outcome, leaseMs, keptMs, ...kept });
}

/** `{ answers }`, or nothing where there are none. */
export function encodeAnswers(answers: Answers): { readonly answers?: Json } {
  if (answers.size === 0) return {};
  const members = [...answers].map(([operation, answer]) => [operation, encodeAnswer(answer)]);
  return { answers: Object.fromEntries(members) as Json };
}

/** Reads what `encodeAnswers` made; `undefined` for anything else. */
export function decodeAnswers(json: Json | undefined): Answers | undefined {
  const answers = new Map<Operation, Answer>();
  if (json === undefined) return answers;
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  for (const [name, one] of Object.entries(json as { readonly [key: string]: Json })) {
    const operation = OPERATIONS.find((known) => known === name);
    const answer = decodeAnswer(one);
    if (operation === undefined || answer === undefined) return undefined;
    answers.set(operation, answer);
  }
  return answers;
}

/** Reads what is stored for `branch`. @throws RECORD_INVALID */
export function decodeRecord(entry: Pick<Entry, "value">, branch: string): BranchRecord {
  const parsed = parseJson(entry.value, { maxBytes: MAX_BYTES });
  if (!parsed.ok) throw recordInvalid(branch, parsed.reason);
  const json = parsed.value;
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw recordInvalid(branch, "it is no object");
  }
  const fields = json as { readonly [name: string]: Json };
  const { v, state, attempt, outcome, leaseMs, keptMs } = fields;
  if (v !== VERSION) throw recordInvalid(branch, "another release of Quorate wrote it");
  if (fields["branch"] !== branch) throw recordInvalid(branch, "it is another branch's");
  if (!KNOWN.has(state)) throw recordInvalid(branch, "its state is unknown");
  if (!isCount(attempt) || !isCount(leaseMs) || !isCount(keptMs)) {
    throw recordInvalid(branch, "a number of it is none");
  }
  if (outcome !== undefined && outcome !== "done" && outcome !== "unknown") {
    throw recordInvalid(branch, "its outcome is unknown");
  }
  const answers = decodeAnswers(fields["answers"]);
  if (answers === undefined) throw recordInvalid(branch, "its answers are damaged");
  const known = state as BranchRecord["state"];
  return { branch, state: known, attempt, outcome, leaseMs, keptMs, answers };
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

/** What is left of the lease of the run under way, by the store's clock when it answered. */
export function leaseLeftOf(entry: Pick<Entry, "expiresInMs">, record: BranchRecord): Ms {
  if (!["trying", "confirming", "cancelling"].includes(record.state)) return 0;
  // Without an end the run's age cannot be told; only somebody's PERSIST can have made it so.
  if (entry.expiresInMs === undefined) return 0;
  return record.leaseMs - (record.keptMs - entry.expiresInMs);
}
