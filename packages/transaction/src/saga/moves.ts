/**
 * The moves of the protocol, each as a new record. What may be done when is `TRANSITIONS`.
 */
import type { Ms } from "@quorate/core";
import type { Input, Move, Phase } from "./inputs.ts";
import type { SagaModel } from "./model.ts";
import { hasChildren, isUndoable, needsUndo, type Part, partOf, partsLeft } from "./parts.ts";
import { partsOf, stageIndex } from "./parts.ts";
import {
  cut,
  type Decision,
  draftOf,
  FRESH_STEP,
  NONE_STUCK,
  type RecordDraft,
  type SagaRecord,
  type StepRecord,
  withoutStuck,
  withStep,
  withStuck,
} from "./record.ts";

/** What came of an input. */
export interface Moved {
  readonly move: Move;
  /** The same object: nothing changed. */
  readonly record: SagaRecord;
}

/** What a move is made of. */
export interface MoveContext {
  readonly record: SagaRecord;
  readonly input: Input;
  readonly model: SagaModel;
  readonly phase: Phase;
  readonly nowMs: Ms;
  /** A decision between two stages: the one at hand has not begun. */
  readonly hasNotBegun?: boolean;
}

const UNDO = ":undo";

/** What an operator's target means. */
export function targetOf(target: string): { readonly step: string; readonly isUndo: boolean } {
  const isUndo = target.endsWith(UNDO);
  return { step: isUndo ? target.slice(0, -UNDO.length) : target, isUndo };
}

/** Makes `next`. */
export function move(next: Move, context: MoveContext): Moved {
  const made = make(next, context);
  if (made === undefined) return { move: "refuse", record: context.record };
  return { move: made === context.record && next !== "refuse" ? "ignore" : next, record: made };
}

/** The record after it; `undefined`: it does not apply to its target. */
function make(next: Move, context: MoveContext): SagaRecord | undefined {
  if (isOldNews(context)) return context.record;
  switch (next) {
    case "ignore":
      return context.record;
    case "refuse":
      return undefined;
    case "note":
      return note(context);
    case "decide":
      return decide(context);
    case "give-up": {
      const { input, model } = context;
      const part = "step" in input ? partOf(model, input.step) : undefined;
      const parks = part?.kind === "step" && part.onExhausted === "park";
      return parks ? flagged(context, true) : decide(context);
    }
    case "park":
      return flagged(context, true);
    case "flag":
      return flagged(context, false);
    case "undone":
      return undone(context);
    case "end-done":
      return endDone(context);
    case "end-compensated":
      return end(context.record, "compensated", context.nowMs);
    case "again":
      return again(context);
    case "seal":
      return seal(context);
  }
}

/** An operator's word on the step came before what its attempt came to: the word stands. */
function isOldNews({ record, input }: MoveContext): boolean {
  if (input.kind === "failed" || input.kind === "exhausted" || input.kind === "unstorable") {
    return record.steps.get(input.step)?.outcome !== undefined;
  }
  if (input.kind !== "undo-failed" && input.kind !== "undo-exhausted") return false;
  return record.steps.get(input.step)?.undo?.isDone === true;
}

function note(context: MoveContext): SagaRecord | undefined {
  const { record, input, nowMs } = context;
  if (input.kind === "done") return noteDone(record, input.step, input.output, nowMs);
  if (input.kind === "begun") {
    return withStep(record, input.step, { ...stepOf(record, input.step), hasBegun: true });
  }
  if (input.kind === "skipped") {
    return noteOutcome(record, input.step, { ...FRESH_STEP, outcome: "skipped", atMs: nowMs });
  }
  if (input.kind === "failed") {
    return withStep(record, input.step, failedStep(stepOf(record, input.step), input));
  }
  if (input.kind === "undo-failed") {
    const step = stepOf(record, input.step);
    const { notBeforeMs, error } = input;
    const attempts = (step.undo?.attempts ?? 0) + 1;
    return withStep(record, input.step, {
      ...step,
      undo: { isDone: false, attempts, notBeforeMs, error },
    });
  }
  return noteWord(context);
}

/** An operator's word on a step at hand. */
function noteWord({ record, input, model, nowMs }: MoveContext): SagaRecord | undefined {
  if (input.kind !== "skip" && input.kind !== "resolve") return record;
  const { step, isUndo } = targetOf(input.target);
  const left = partsLeft(record, model.stages[stageIndex(record, model)]);
  if (isUndo || !left.some(({ name }) => name === step)) return undefined;
  if (input.kind === "resolve") return noteDone(record, step, input.output, nowMs);
  const { attempts } = stepOf(record, step);
  const skipped = { ...FRESH_STEP, outcome: "skipped", attempts, atMs: nowMs } as const;
  return noteOutcome(record, step, skipped);
}

function noteDone(
  record: SagaRecord,
  step: string,
  output: StepRecord["output"],
  nowMs: Ms,
): SagaRecord {
  const before = record.steps.get(step);
  // A late answer after a decision replaces what was unknown, nothing else.
  const isKnown = before?.outcome !== undefined && before.outcome !== "unknown";
  if (isKnown || before?.undo?.isDone === true) return record;
  const { attempts, undo } = before ?? FRESH_STEP;
  const done: StepRecord = {
    outcome: "done",
    hasBegun: undefined,
    attempts,
    isInDoubt: undefined,
    notBeforeMs: undefined,
    error: undefined,
    output,
    atMs: nowMs,
    undo,
  };
  return withoutStuck(withStep(record, step, done), step);
}

function noteOutcome(record: SagaRecord, step: string, next: StepRecord): SagaRecord {
  const outcome = record.steps.get(step)?.outcome;
  if (outcome !== undefined && outcome !== "unknown") return record;
  return withoutStuck(withStep(record, step, next), step);
}

function failedStep(
  before: StepRecord,
  input: { readonly notBeforeMs: Ms; readonly error: string; readonly isInDoubt: boolean },
): StepRecord {
  const isInDoubt = before.isInDoubt === true || input.isInDoubt;
  const { notBeforeMs, error } = input;
  return { ...before, attempts: before.attempts + 1, isInDoubt, notBeforeMs, error };
}

/** Turns back. What may have begun counts as in doubt, and is undone too. */
function decide(context: MoveContext): SagaRecord {
  const { input, model, nowMs } = context;
  let { record } = context;
  if (context.hasNotBegun !== true) {
    for (const part of partsLeft(record, model.stages[stageIndex(record, model)])) {
      const step = givenUp(record, part, input, nowMs);
      if (step !== undefined) record = withStep(record, part.name, step);
    }
  }
  const decision = decisionOf(input, nowMs);
  const turned: SagaRecord = {
    ...record,
    state: "compensating",
    decision,
    // What was stuck on the way forward is so no more.
    stuck: NONE_STUCK,
  };
  return isUndone(turned, model) ? end(turned, "compensated", nowMs) : turned;
}

/** `part` as it is given up; `undefined`: it never began. */
function givenUp(record: SagaRecord, part: Part, input: Input, nowMs: Ms): StepRecord | undefined {
  const before = record.steps.get(part.name);
  if (before?.outcome !== undefined) return undefined;
  const refused = input.kind === "refused" && input.step === part.name;
  const writesAhead = part.kind === "step" && (part.intent || part.when !== undefined);
  if (!refused && writesAhead && before?.hasBegun !== true) return undefined;
  const wasSent = input.kind !== "exhausted" || input.step !== part.name || input.isInDoubt;
  const outcome = refused || !(wasSent || before?.isInDoubt === true) ? "refused" : "unknown";
  const known = before ?? FRESH_STEP;
  const error = "error" in input && input.step === part.name ? input.error : known.error;
  const given = { ...known, outcome, atMs: nowMs, error } as const;
  if (outcome !== "unknown" || part.kind !== "step" || part.settleMs === 0) return given;
  const undo = { isDone: false, attempts: 0, notBeforeMs: nowMs + part.settleMs };
  return { ...given, undo };
}

function decisionOf(input: Input, atMs: Ms): Decision {
  if (input.kind === "refused") {
    return { cause: "refused", step: input.step, reason: cut(input.reason), atMs };
  }
  if (input.kind === "exhausted") {
    return { cause: "exhausted", step: input.step, reason: cut(input.error), atMs };
  }
  if (input.kind === "cancel" || input.kind === "parent-undo") {
    const cause = input.kind === "cancel" ? "cancelled" : "parent";
    return { cause, step: "", reason: cut(input.reason), atMs };
  }
  return { cause: "deadline", step: "", reason: "its deadline passed", atMs };
}

function flagged(context: MoveContext, isParked: boolean): SagaRecord {
  const { record, input, nowMs } = context;
  const stuck = (key: string, reason: string, from: SagaRecord): SagaRecord => {
    const atMs = from.stuck.get(key)?.atMs ?? nowMs;
    return withStuck(from, key, { reason: cut(reason), isParked, atMs });
  };
  if (input.kind === "unfit") return stuck(input.what, input.reason, record);
  if (input.kind === "refused" || input.kind === "unstorable") {
    return stuck(input.step, input.reason, record);
  }
  if (input.kind === "exhausted") {
    const failed = failedStep(stepOf(record, input.step), input);
    return stuck(input.step, input.error, withStep(record, input.step, failed));
  }
  if (input.kind !== "undo-exhausted") return record;
  const step = stepOf(record, input.step);
  const attempts = (step.undo?.attempts ?? 0) + 1;
  const undo = { isDone: false, attempts, error: input.error };
  const noted = withStep(record, input.step, { ...step, undo });
  return stuck(`${input.step}${UNDO}`, input.error, noted);
}

function undone(context: MoveContext): SagaRecord | undefined {
  const { record, input, model, nowMs } = context;
  const target = "target" in input ? targetOf(input.target ?? "") : undefined;
  if (target?.isUndo === false) return undefined;
  const name = target?.step ?? ("step" in input ? input.step : "");
  const part = partOf(model, name);
  const step = record.steps.get(name);
  if (part === undefined || step === undefined || !needsUndo(record, part)) {
    return target === undefined ? record : undefined;
  }
  const undo = { isDone: true, attempts: step.undo?.attempts ?? 0, atMs: nowMs };
  const next = withoutStuck(withStep(record, name, { ...step, undo }), `${name}${UNDO}`);
  return isUndone(next, model) ? end(next, "compensated", nowMs) : next;
}

function isUndone(record: SagaRecord, model: SagaModel): boolean {
  return model.stages.every((stage) =>
    partsOf(stage).every((part) => !isUndoable(part) || !needsUndo(record, part)),
  );
}

function endDone({ record, input, model, nowMs }: MoveContext): SagaRecord | undefined {
  if (input.kind !== "finish" && input.kind !== "force-done") return record;
  const ended = end(record, "done", nowMs);
  if (input.result !== undefined) ended.result = input.result;
  if (record.parent !== undefined || !hasChildren(model)) return ended;
  // It is still driven, until the sagas within it are sealed.
  ended.isSealing = true;
  ended.owner = record.owner;
  return ended;
}

function end(record: SagaRecord, state: "done" | "compensated", nowMs: Ms): RecordDraft {
  const draft = draftOf(record);
  draft.state = state;
  draft.endedAtMs = nowMs;
  draft.stuck = NONE_STUCK;
  draft.owner = "";
  return draft;
}

/** What failed counts as not tried; what waits goes at once. */
function again({ record, input, model }: MoveContext): SagaRecord | undefined {
  const wanted = input.kind === "retry" ? input.target : undefined;
  let next = record;
  let isKnown = false;
  for (const [name, step] of record.steps) {
    const freed = freedStep(name, step, wanted);
    if (freed === undefined) continue;
    isKnown = true;
    next = withStep(next, name, freed);
  }
  for (const key of record.stuck.keys()) {
    if (wanted !== undefined && key !== wanted) continue;
    isKnown = true;
    next = withoutStuck(next, key);
  }
  if (!isKnown && wanted !== undefined && partOf(model, targetOf(wanted).step) === undefined) {
    return undefined;
  }
  return next === record ? record : { ...next, takeovers: 0 };
}

function freedStep(
  name: string,
  step: StepRecord,
  wanted: string | undefined,
): StepRecord | undefined {
  if (step.undo !== undefined && !step.undo.isDone) {
    const isWanted = wanted === undefined || wanted === `${name}${UNDO}`;
    return isWanted ? { ...step, undo: { isDone: false, attempts: 0 } } : undefined;
  }
  const isWaiting = step.outcome === undefined && step.attempts > 0;
  if (!isWaiting || (wanted !== undefined && wanted !== name)) return undefined;
  return { ...step, notBeforeMs: undefined, attempts: 0 };
}

function seal({ record, input, model }: MoveContext): SagaRecord {
  if (input.kind === "sealed") {
    return record.isSealing === true ? { ...record, isSealing: undefined } : record;
  }
  const sealed = { ...record, isSealed: true };
  return hasChildren(model) ? { ...sealed, isSealing: true } : sealed;
}

function stepOf(record: SagaRecord, name: string): StepRecord {
  return record.steps.get(name) ?? FRESH_STEP;
}
