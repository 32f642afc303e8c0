/**
 * The protocol of a saga: what may happen in each phase, and what follows.
 *
 * `TRANSITIONS` is all of it. The engine asks it with what came of a step, the operators' verbs
 * with what they want; the documentation is printed from it, and the tests walk through all of it.
 * Each answer is a move; `advance` makes it, as a new record.
 *
 * Sans-I/O: time is passed in, nothing is awaited.
 *
 * Guarantees, by the table alone: an undo only follows a stored decision; a decision is never
 * taken back; nothing is decided against once the pivot may have begun; `done` and `compensated`
 * never change, but for a child whose parent has not ended.
 *
 * Garcia-Molina, Salem, "Sagas", SIGMOD 1987.
 */
import type { Ms } from "@quorate/core";
import type { Input, InputKind, Move, Phase } from "./inputs.ts";
import type { SagaModel } from "./model.ts";
import { move, type Moved } from "./moves.ts";
import { pivotIndex, stageIndex } from "./parts.ts";
import type { SagaRecord } from "./record.ts";

type Row = Readonly<Record<InputKind, Move>>;

const ENDED: Row = {
  begun: "ignore",
  done: "ignore",
  skipped: "ignore",
  refused: "ignore",
  failed: "ignore",
  exhausted: "ignore",
  unstorable: "ignore",
  deadline: "ignore",
  finish: "ignore",
  unfit: "ignore",
  undone: "ignore",
  "undo-failed": "ignore",
  "undo-exhausted": "ignore",
  "parent-undo": "ignore",
  seal: "ignore",
  sealed: "ignore",
  retry: "refuse",
  skip: "refuse",
  resolve: "refuse",
  cancel: "refuse",
  "force-done": "refuse",
  "force-compensated": "refuse",
};

const FORWARD: Row = {
  begun: "note",
  done: "note",
  skipped: "note",
  refused: "decide",
  failed: "note",
  exhausted: "give-up",
  unstorable: "park",
  deadline: "decide",
  finish: "end-done",
  unfit: "park",
  undone: "ignore",
  "undo-failed": "ignore",
  "undo-exhausted": "ignore",
  "parent-undo": "decide",
  seal: "ignore",
  sealed: "ignore",
  retry: "again",
  skip: "note",
  resolve: "note",
  cancel: "decide",
  "force-done": "end-done",
  "force-compensated": "end-compensated",
};

/** The protocol. */
export const TRANSITIONS: Readonly<Record<Phase, Row>> = {
  forward: FORWARD,
  // Whether the pivot took effect is not known, and there is no way back from it if it did. Only
  // its own refusal, which is final, turns the saga.
  pivoting: { ...FORWARD, exhausted: "flag", deadline: "ignore", cancel: "refuse" },
  committed: {
    ...FORWARD,
    refused: "park",
    exhausted: "flag",
    deadline: "ignore",
    "parent-undo": "ignore",
    cancel: "refuse",
  },
  compensating: {
    ...ENDED,
    // A late answer of a step that was in doubt: its undo is then given the output.
    done: "note",
    unfit: "park",
    undone: "undone",
    "undo-failed": "note",
    "undo-exhausted": "park",
    retry: "again",
    skip: "undone",
    resolve: "undone",
    cancel: "ignore",
    "force-done": "refuse",
    "force-compensated": "end-compensated",
  },
  unsealed: {
    ...ENDED,
    "parent-undo": "decide",
    seal: "seal",
    "force-compensated": "end-compensated",
  },
  done: { ...ENDED, sealed: "seal" },
  compensated: ENDED,
};

/** Where `record` is. */
export function phaseOf(record: SagaRecord, model: SagaModel): Phase {
  if (record.state === "running") return runningPhase(record, model);
  if (record.state !== "done") return record.state;
  return record.parent !== undefined && record.isSealed !== true ? "unsealed" : "done";
}

function runningPhase(record: SagaRecord, model: SagaModel): Phase {
  const pivotAt = pivotIndex(model);
  if (pivotAt === -1) return "forward";
  const at = stageIndex(record, model);
  if (at !== pivotAt) return at < pivotAt ? "forward" : "committed";
  const pivot = model.stages[pivotAt];
  if (pivot?.kind !== "step") return "pivoting";
  // What is written ahead has not begun before it is written.
  const isAhead = pivot.intent && record.steps.get(pivot.name)?.hasBegun !== true;
  return isAhead ? "forward" : "pivoting";
}

/** What follows for `input`: the move, and the record after it (the same one: nothing changed). */
export function advance(record: SagaRecord, input: Input, model: SagaModel, nowMs: Ms): Moved {
  const phase = phaseOf(record, model);
  const next = TRANSITIONS[phase][input.kind];
  const moved = move(next, { record, input, model, phase, nowMs });
  if (next !== "note" || input.kind !== "done") return moved;
  return atBoundary(moved, model, nowMs);
}

/** A deadline that has passed turns the saga in the write that ends the step before. */
function atBoundary(moved: Moved, model: SagaModel, nowMs: Ms): Moved {
  const { record } = moved;
  const { deadlineAtMs } = record;
  if (record.state !== "running" || deadlineAtMs === undefined || nowMs < deadlineAtMs)
    return moved;
  const at = stageIndex(record, model);
  const pivotAt = pivotIndex(model);
  // All done, or past the pivot: then it ends as it should.
  if (at >= model.stages.length || (pivotAt !== -1 && at > pivotAt)) return moved;
  const isFresh = partsAreFresh(record, model, at);
  if (!isFresh) return moved;
  const context = { record, input: { kind: "deadline" }, model, phase: "forward", nowMs } as const;
  return move("decide", { ...context, hasNotBegun: true });
}

/** Whether no part of the stage at hand can have begun: its predecessor ends in this very write. */
function partsAreFresh(record: SagaRecord, model: SagaModel, at: number): boolean {
  const stage = model.stages[at];
  if (stage === undefined) return false;
  const names = stage.kind === "parallel" ? stage.branches.map(({ name }) => name) : [stage.name];
  return names.every((name) => !record.steps.has(name));
}
