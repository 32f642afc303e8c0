/**
 * The parts of a definition, as the protocol needs them: which stage is at hand, what may be
 * undone.
 */
import type { ChildModel, SagaModel, StageModel, StepModel } from "./model.ts";
import type { SagaRecord } from "./record.ts";

/** What a record has an entry for. */
export type Part = StepModel | ChildModel;

const EMPTY: readonly Part[] = [];
const partsCache = new WeakMap<StageModel, readonly Part[]>();

/** The parts of a stage, side by side. */
export function partsOf(stage: StageModel): readonly Part[] {
  const known = partsCache.get(stage);
  if (known !== undefined) return known;
  const parts = stage.kind === "parallel" ? stage.branches : [stage];
  partsCache.set(stage, parts);
  return parts;
}

/** The part called `name`. */
export function partOf(model: SagaModel, name: string): Part | undefined {
  for (const stage of model.stages) {
    for (const part of partsOf(stage)) if (part.name === name) return part;
  }
  return undefined;
}

/** Whether `part` counts as done, for those behind it. */
export function isPast(record: SagaRecord, part: Part): boolean {
  const outcome = record.steps.get(part.name)?.outcome;
  return outcome === "done" || outcome === "skipped";
}

/** The first stage with a part that is not done; the number of stages: all are. */
export function stageIndex(record: SagaRecord, model: SagaModel): number {
  const { stages } = model;
  for (let index = 0; index < stages.length; index += 1) {
    for (const part of partsOf(stages[index] as StageModel)) {
      if (!isPast(record, part)) return index;
    }
  }
  return stages.length;
}

/** The parts of a stage that are not done. */
export function partsLeft(record: SagaRecord, stage: StageModel | undefined): readonly Part[] {
  if (stage === undefined) return EMPTY;
  const parts = partsOf(stage);
  const areAllLeft = parts.every((part) => !isPast(record, part));
  return areAllLeft ? parts : parts.filter((part) => !isPast(record, part));
}

/** Whether `part` has a way back. */
export function isUndoable(part: Part): boolean {
  return part.kind === "child" || part.undo !== undefined;
}

/** Whether `part` may have taken effect and is not undone. */
export function needsUndo(record: SagaRecord, part: Part): boolean {
  const step = record.steps.get(part.name);
  if (step?.outcome === undefined || step.outcome === "skipped") return false;
  return step.undo?.isDone !== true && isUndoable(part);
}

/** The stage of the pivot; -1: there is none. */
export function pivotIndex(model: SagaModel): number {
  const known = pivots.get(model);
  if (known !== undefined) return known;
  const index = model.stages.findIndex(
    ({ kind, ...stage }) => kind === "step" && "pivot" in stage && stage.pivot,
  );
  pivots.set(model, index);
  return index;
}

const pivots = new WeakMap<SagaModel, number>();

/** Whether a saga within it is still to be sealed at its end. */
export function hasChildren(model: SagaModel): boolean {
  return model.stages.some(({ kind }) => kind === "child");
}
