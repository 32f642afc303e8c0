/**
 * What the store keeps of one saga.
 *
 * All of it is facts: what was asked, what came of each step, what was decided. What is to be done
 * next follows from the facts and the definition (`plan.ts`), so any worker that has both can go
 * on.
 */
import type { Ms } from "@quorate/core";
import type { Ownership } from "../kernel/contract.ts";
import type { StepOutcome } from "./model.ts";
import type { Steps } from "./steps.ts";

/** Where a saga is. `done` and `compensated` never change. */
export type SagaState = "running" | "compensating" | "done" | "compensated";

/** A value as it is stored: its text (JSON, or what the codec made of it), or where that is. */
export type Payload =
  | { readonly kind: "inline"; readonly text: string }
  | { readonly kind: "apart"; readonly ref: string };

/** How the undo of a step stands. */
export interface UndoRecord {
  readonly isDone: boolean;
  /** Failed attempts. */
  readonly attempts: number;
  /** Not tried again before this, by wall clock. */
  readonly notBeforeMs?: Ms;
  readonly error?: string;
  readonly atMs?: Ms;
}

/**
 * How a step stands. A step that is not in the record has not begun, or nobody knows.
 *
 * Here and in the record each field is there, `undefined` where it is empty: on Node 20 a spread
 * that adds a field takes twenty times as long as one that replaces it.
 */
export interface StepRecord {
  /** `unknown` only once it is given up: it may have happened, and is undone. */
  readonly outcome: StepOutcome | "skipped" | undefined;
  /** Written ahead: it may have begun. Only for steps that ask for it. */
  readonly hasBegun: boolean | undefined;
  /** Failed attempts. */
  readonly attempts: number;
  /** An attempt may have taken effect. */
  readonly isInDoubt: boolean | undefined;
  readonly notBeforeMs: Ms | undefined;
  /** Of the last failed attempt, cut. */
  readonly error: string | undefined;
  readonly output: Payload | undefined;
  readonly atMs: Ms | undefined;
  readonly undo: UndoRecord | undefined;
}

/** Why a saga does not go on as it should. */
export interface StuckRecord {
  readonly reason: string;
  /** Nothing more is tried until an operator says so. Else it is retried, and only flagged. */
  readonly isParked: boolean;
  readonly atMs: Ms;
}

/** Why a saga compensates. */
export interface Decision {
  readonly cause: "refused" | "exhausted" | "deadline" | "cancelled" | "parent";
  /** Empty: no step brought it. */
  readonly step: string;
  readonly reason: string;
  readonly atMs: Ms;
}

/** What an operator did. */
export interface AuditEntry {
  readonly verb: string;
  readonly target: string;
  readonly by: string;
  readonly why: string;
  readonly atMs: Ms;
}

/** The record. Immutable: each write has a new one. */
export interface SagaRecord extends Ownership {
  readonly saga: string;
  readonly version: number;
  readonly hash: string;
  readonly state: SagaState;
  readonly input: Payload;
  readonly createdAtMs: Ms;
  readonly endedAtMs: Ms | undefined;
  readonly deadlineAtMs: Ms | undefined;
  /** Id of the saga whose step this one is. */
  readonly parent: string | undefined;
  /** Where it was started, in a trace: a W3C `traceparent`. */
  readonly traceparent: string | undefined;
  /** The parent has ended: this one can no longer be undone. */
  readonly isSealed: boolean | undefined;
  /** It has ended, and the sagas within it are still to be sealed. */
  readonly isSealing: boolean | undefined;
  readonly steps: Steps<StepRecord>;
  /** By what is stuck: `charge`, `charge:undo`, or a part of the saga itself. */
  readonly stuck: ReadonlyMap<string, StuckRecord>;
  readonly decision: Decision | undefined;
  readonly result: Payload | undefined;
  /** The last ones. */
  readonly audit: readonly AuditEntry[];
}

/** Most entries of the audit; the oldest are dropped. */
export const MAX_AUDIT = 50;
/** Longest text of an error or a reason, in characters. */
export const MAX_ERROR_CHARS = 256;

/** A step of which nothing is known yet. */
export const FRESH_STEP: StepRecord = {
  outcome: undefined,
  hasBegun: undefined,
  attempts: 0,
  isInDoubt: undefined,
  notBeforeMs: undefined,
  error: undefined,
  output: undefined,
  atMs: undefined,
  undo: undefined,
};

/** Nothing is stuck. */
export const NONE_STUCK: ReadonlyMap<string, StuckRecord> = new Map();

/** A record that is not handed out yet. */
export type RecordDraft = { -readonly [Field in keyof SagaRecord]: SagaRecord[Field] };

/**
 * A copy to change. Field by field, in the one order that all records are made in: on Node 20 a
 * spread of so many takes ten times as long.
 */
export function draftOf(record: SagaRecord): RecordDraft {
  return {
    saga: record.saga,
    version: record.version,
    hash: record.hash,
    state: record.state,
    owner: record.owner,
    fence: record.fence,
    takeovers: record.takeovers,
    input: record.input,
    createdAtMs: record.createdAtMs,
    endedAtMs: record.endedAtMs,
    deadlineAtMs: record.deadlineAtMs,
    parent: record.parent,
    traceparent: record.traceparent,
    isSealed: record.isSealed,
    isSealing: record.isSealing,
    steps: record.steps,
    stuck: record.stuck,
    decision: record.decision,
    result: record.result,
    audit: record.audit,
  };
}

/** `record` with `step` put to `next`. */
export function withStep(record: SagaRecord, step: string, next: StepRecord): SagaRecord {
  const draft = draftOf(record);
  draft.steps = record.steps.with(step, next);
  return draft;
}

/** `record` with `key` stuck. */
export function withStuck(record: SagaRecord, key: string, stuck: StuckRecord): SagaRecord {
  return { ...record, stuck: new Map(record.stuck).set(key, stuck) };
}

/** `record` with `key` free again. */
export function withoutStuck(record: SagaRecord, key: string): SagaRecord {
  if (!record.stuck.has(key)) return record;
  const stuck = new Map(record.stuck);
  stuck.delete(key);
  return { ...record, stuck };
}

/** Cut to what a record may hold. */
export function cut(text: string): string {
  const short = text.length > MAX_ERROR_CHARS ? `${text.slice(0, MAX_ERROR_CHARS - 1)}…` : text;
  return short.toWellFormed();
}
