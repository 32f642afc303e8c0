/**
 * A step on the way back: undone until the participant says so.
 *
 * An undo is told what is known of its step; where that is nothing, `check` asks the participant
 * first. Its signal hears of nothing but its own time and the loss of the saga: a cancellation must
 * not kill what carries it out.
 */
import type { Answer } from "./attempt.ts";
import { Attempt } from "./attempt.ts";
import { backoffMs } from "./backoff.ts";
import { askCheck, beginning, contextOf, reportDone } from "./do-step.ts";
import type { StepModel, StepOutcome } from "./model.ts";
import { needsUndo } from "./parts.ts";
import { FRESH_STEP, type SagaRecord } from "./record.ts";
import type { InHand } from "./in-hand.ts";

/** Tries to undo `step` until it is undone, or parked. */
export async function undoStep(run: InHand, step: StepModel): Promise<void> {
  while (run.isLive() && isWanted(run.record, step)) {
    const { notBeforeMs } = run.record.steps.get(step.name)?.undo ?? {};
    const boundMs = Math.max(step.undoRetry.maxMs, step.settleMs);
    const waitMs = run.leftMs(`${step.name}:undo`, notBeforeMs, boundMs);
    if (waitMs > 0) {
      await run.pause(waitMs);
      continue;
    }
    const answer = await tryOnce(run, step);
    if (answer.kind === "lost") return;
    if (answer.kind === "found") {
      await reportDone(run, step.name, answer.value);
      continue;
    }
    await conclude(run, step, answer);
  }
}

function isWanted(record: SagaRecord, step: StepModel): boolean {
  if (record.state !== "compensating" || !needsUndo(record, step)) return false;
  return record.stuck.size === 0 || record.stuck.get(`${step.name}:undo`)?.isParked !== true;
}

async function tryOnce(
  run: InHand,
  step: StepModel,
): Promise<Answer | { readonly kind: "found"; readonly value: unknown }> {
  const { alarms } = run.desk;
  const known = run.record.steps.get(step.name);
  let outcome = (known?.outcome ?? "unknown") as StepOutcome;
  if (outcome === "unknown" && step.check !== undefined) {
    const question = contextOf(run, step, known ?? FRESH_STEP);
    const said = await askCheck(run, step, question, step.undoTimeoutMs);
    if (said.kind === "done") return { kind: "found", value: said.value };
    if (said.kind !== "none") return said;
    // Nothing has happened as far as the participant knows; a late copy may be on its way. Only an
    // undo keeps that from happening, so it is sent, and told what is known.
    outcome = "refused";
  }
  const attempt = (known?.undo?.attempts ?? 0) + 1;
  const context = new Attempt({
    id: run.held.id,
    step: step.name,
    key: `${run.held.id}/${step.name}/undo`,
    input: run.input,
    out: run.out,
    attempt,
    fencingToken: run.record.fence,
    outcome,
    isForward: false,
    begins: beginning(run, { step: step.name, doing: "undo", attempt }),
  });
  run.track(context);
  try {
    return await context.perform(step.undo ?? (() => undefined), alarms, step.undoTimeoutMs);
  } finally {
    run.untrack(context);
  }
}

async function conclude(
  run: InHand,
  step: StepModel,
  answer: Exclude<Answer, { kind: "lost" }>,
): Promise<void> {
  const { name } = step;
  if (answer.kind === "done") return run.report({ kind: "undone", step: name });
  // An undo may not refuse: what was done stands until it is undone.
  const error = answer.kind === "refused" ? `refused: ${answer.reason}` : answer.error;
  const attempts = (run.record.steps.get(name)?.undo?.attempts ?? 0) + 1;
  if (attempts >= step.undoRetry.attempts) {
    return run.report({ kind: "undo-exhausted", step: name, error, isInDoubt: true });
  }
  const askedMs = answer.kind === "failed" ? answer.retryAfterMs : undefined;
  const waitMs = backoffMs(step.undoRetry, attempts, run.desk.backend.runtime, askedMs);
  const notBeforeMs = run.nowMs + waitMs;
  run.leftMs(`${name}:undo`, notBeforeMs, waitMs);
  return run.report({ kind: "undo-failed", step: name, error, isInDoubt: true, notBeforeMs });
}
