/**
 * How long nothing must have happened before nothing more will.
 */
import type { Ms } from "@quorate/core";
import type { SagaModel, StepModel } from "../saga/model.ts";

/** Longer than every pause that a saga of `model` makes, and than its worker does in `upkeepMs`. */
export function quietOf(model: SagaModel, upkeepMs: Ms): Ms {
  const pauses = stepsOf(model).map(({ timeoutMs, undoTimeoutMs, retry, undoRetry, settleMs }) =>
    Math.max(timeoutMs, undoTimeoutMs, retry.maxMs, undoRetry.maxMs, settleMs),
  );
  return 4 * upkeepMs + 2 * Math.max(...pauses) + (model.deadlineMs ?? 0);
}

/** Longer than an attempt: by then one that was paused has done what it had in mind. */
export function graceOf(model: SagaModel): Ms {
  const longest = stepsOf(model).map(({ timeoutMs, undoTimeoutMs }) =>
    Math.max(timeoutMs, undoTimeoutMs),
  );
  return Math.max(...longest) + 1_000;
}

function stepsOf({ stages }: SagaModel): StepModel[] {
  return stages.flatMap((stage) => {
    if (stage.kind === "step") return [stage];
    return stage.kind === "parallel" ? stage.branches : stepsOf(stage.saga);
  });
}
