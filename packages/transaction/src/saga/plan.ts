/**
 * What is to be done next, as it follows from the record and the definition.
 */
import type { Ms } from "@quorate/core";
import { phaseOf } from "./machine.ts";
import type { SagaModel } from "./model.ts";
import { needsUndo, type Part, partsLeft, partsOf, stageIndex } from "./parts.ts";
import type { SagaRecord } from "./record.ts";

/** The next thing to do. */
export type Plan =
  /** These parts, side by side. */
  | { readonly kind: "run"; readonly parts: readonly Part[] }
  /** All parts are done: the result, and the end. */
  | { readonly kind: "finish" }
  | { readonly kind: "decide-deadline" }
  | { readonly kind: "undo"; readonly parts: readonly Part[] }
  /** The sagas within it can no longer be undone: they may forget. */
  | { readonly kind: "seal" }
  /** Nothing, without an operator. */
  | { readonly kind: "stuck" }
  | { readonly kind: "ended" };

const FINISH: Plan = { kind: "finish" };
const STUCK: Plan = { kind: "stuck" };
const ENDED: Plan = { kind: "ended" };

/** What to do now. */
export function planOf(record: SagaRecord, model: SagaModel, nowMs: Ms): Plan {
  if (record.state === "running") return planForward(record, model, nowMs);
  if (record.state === "compensating") return planBack(record, model);
  return record.isSealing === true ? { kind: "seal" } : ENDED;
}

function planForward(record: SagaRecord, model: SagaModel, nowMs: Ms): Plan {
  const at = stageIndex(record, model);
  const isParked = hasParked(record);
  if (at === model.stages.length) return isParked ? STUCK : FINISH;
  const { deadlineAtMs } = record;
  const isLate = deadlineAtMs !== undefined && nowMs >= deadlineAtMs;
  // Also of a saga that is stuck: nobody came, and it can still be undone.
  if (isLate && phaseOf(record, model) === "forward") return { kind: "decide-deadline" };
  if (isParked) return STUCK;
  return { kind: "run", parts: partsLeft(record, model.stages[at]) };
}

function planBack(record: SagaRecord, model: SagaModel): Plan {
  const isStrict = model.undoOrder === "strict";
  if (isStrict && hasParked(record)) return STUCK;
  if (hasUnfit(record)) return STUCK;
  for (let index = model.stages.length - 1; index >= 0; index -= 1) {
    const stage = model.stages[index];
    const open =
      stage === undefined ? [] : partsOf(stage).filter((part) => needsUndo(record, part));
    const parts = open.filter(({ name }) => record.stuck.get(`${name}:undo`)?.isParked !== true);
    if (parts.length > 0) return { kind: "undo", parts };
  }
  return STUCK;
}

function hasParked(record: SagaRecord): boolean {
  for (const { isParked } of record.stuck.values()) if (isParked) return true;
  return false;
}

/** Something of the saga itself, not of one step. */
function hasUnfit(record: SagaRecord): boolean {
  for (const key of record.stuck.keys()) if (!key.endsWith(":undo")) return true;
  return false;
}
