/**
 * The coordinator's record, as text that a person can read, and the steps from one to the next.
 *
 * Inputs of branches are in it, since another worker must be able to confirm and cancel them;
 * functions are not, those come from `serve`. Records are foreign input: parsed within bounds.
 */
import { type Json, type Ms, parseJson } from "@quorate/core";

import type { Ownership, RecordCodec } from "../kernel/contract.ts";
import type { TccState } from "./machine.ts";

/** How far a branch is. `settled`: it has answered its confirm, or its cancel. */
export type BranchStatus = "registered" | "tried" | "refused" | "settled";

/** One branch. */
export interface TccBranch {
  /** Unique in its transaction: the last segment of the barrier's branch. */
  readonly name: string;
  readonly participant: string;
  readonly input: Json;
  readonly status: BranchStatus;
  /** Confirms or cancels that failed. */
  readonly failures: number;
  /** The code of the last failure; empty: none. */
  readonly error: string;
}

/** One transaction. */
export interface TccRecord extends Ownership {
  readonly name: string;
  readonly state: TccState;
  /** Why it is cancelled; empty while it is not. */
  readonly reason: string;
  /** Wall times of the process that began it. */
  readonly startedAtMs: Ms;
  readonly deadlineAtMs: Ms;
  readonly branches: readonly TccBranch[];
  /** Somebody should look: a branch fails to settle again and again, or kills its workers. */
  readonly isStuck: boolean;
  /** What the work returned, from the decision on. */
  readonly result: Json | undefined;
}

const VERSION = 1;
const MAX_BYTES = 4_194_304;
const MAX_NODES = 200_000;
const STATES: ReadonlySet<unknown> = new Set([
  "trying",
  "confirming",
  "confirmed",
  "cancelling",
  "cancelled",
]);
const STATUSES: ReadonlySet<unknown> = new Set(["registered", "tried", "refused", "settled"]);

/** A decision for confirm. A record that is decided already stays as it is. */
export function confirming(record: TccRecord, result: Json | undefined): TccRecord {
  if (record.state !== "trying") return record;
  const branches = record.branches.map((one) => ({ ...one, status: "tried" as const }));
  return { ...record, state: "confirming", branches, result, takeovers: 0 };
}

/** A decision for cancel. A record that is decided already stays as it is. */
export function cancelling(record: TccRecord, reason: string): TccRecord {
  if (record.state !== "trying") return record;
  return { ...record, state: "cancelling", reason, takeovers: 0 };
}

/** With `more` branches. A record that is decided already stays as it is. */
export function registered(record: TccRecord, more: readonly TccBranch[]): TccRecord {
  if (record.state !== "trying") return record;
  return { ...record, branches: [...record.branches, ...more] };
}

/** The end of what is decided and carried out everywhere. Nobody owns it any more. */
export function ended(record: TccRecord): TccRecord {
  const state = record.state === "confirming" ? "confirmed" : "cancelled";
  return { ...record, state, isStuck: false, owner: "", takeovers: 0 };
}

/** Whether it is decided, and not yet carried out everywhere; or not decided. */
export function isOpen({ state }: Pick<TccRecord, "state">): boolean {
  return state !== "confirmed" && state !== "cancelled";
}

/** Whether whoever took it over died of it so often that nobody does any more. */
export function isParked(record: TccRecord, maxTakeovers: number): boolean {
  const { isStuck, owner, takeovers } = record;
  return isOpen(record) && isStuck && owner === "" && takeovers > maxTakeovers;
}

/** Branches that have not answered their confirm or cancel. */
export function unsettled({ branches }: TccRecord): readonly TccBranch[] {
  return branches.filter(({ status }) => status !== "settled");
}

/** Text of records. */
export const tccCodec: RecordCodec<TccRecord> = {
  encode: (record) => JSON.stringify({ v: VERSION, ...record }),
  decode(text) {
    const parsed = parseJson(text, { maxBytes: MAX_BYTES, maxNodes: MAX_NODES });
    if (!parsed.ok) return parsed;
    const fields = membersOf(parsed.value);
    if (fields === undefined) return { ok: false, reason: "it is no object" };
    if (fields["v"] !== VERSION) return { ok: false, reason: "another release wrote it" };
    const record = read(fields);
    return record === undefined
      ? { ok: false, reason: "a field is missing, or of another kind" }
      : { ok: true, record };
  },
};

type Members = { readonly [name: string]: Json };

function membersOf(json: Json | undefined): Members | undefined {
  const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
  return isObject ? (json as Members) : undefined;
}

function read(fields: Members): TccRecord | undefined {
  const { name, state, reason, startedAtMs, deadlineAtMs, isStuck, result } = fields;
  const { owner, fence, takeovers } = fields;
  const branches = Array.isArray(fields["branches"])
    ? (fields["branches"] as readonly Json[]).map(readBranch)
    : [undefined];
  const isSound =
    typeof name === "string" &&
    STATES.has(state) &&
    typeof reason === "string" &&
    isTime(startedAtMs) &&
    isTime(deadlineAtMs) &&
    typeof isStuck === "boolean" &&
    typeof owner === "string" &&
    isCount(fence) &&
    isCount(takeovers) &&
    !branches.includes(undefined);
  if (!isSound) return undefined;
  const sound = { name, state: state as TccState, reason, startedAtMs, deadlineAtMs };
  const known = branches as readonly TccBranch[];
  return { ...sound, branches: known, isStuck, result, owner, fence, takeovers };
}

function readBranch(json: Json): TccBranch | undefined {
  const fields = membersOf(json);
  if (fields === undefined) return undefined;
  const { name, participant, input, status, failures, error } = fields;
  const isSound =
    typeof name === "string" &&
    typeof participant === "string" &&
    input !== undefined &&
    STATUSES.has(status) &&
    isCount(failures) &&
    typeof error === "string";
  if (!isSound) return undefined;
  return { name, participant, input, status: status as BranchStatus, failures, error };
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isTime(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
