/**
 * A step on the way forward: attempts until there is an answer, each failure stored with the time
 * of the next.
 *
 * After a takeover, and after every failure, the step may have taken effect: the same key is asked
 * again, and where the participant knows none, `check` asks it first.
 */
import { type Ms, traceContext, workBegins } from "@quorate/core";
import { type Answer, answerOf, Attempt, type AttemptBegins } from "./attempt.ts";
import type { SagaAttemptEvent } from "./events.ts";
import type { CheckAnswer, StepModel } from "./model.ts";
import { isUnstorable } from "./payloads.ts";
import { FRESH_STEP, type Payload, type SagaRecord, type StepRecord } from "./record.ts";
import { phaseOf } from "./machine.ts";
import type { InHand } from "./in-hand.ts";
import { backoffMs } from "./backoff.ts";

/** Tries `step` until it has an outcome, or is no longer wanted. */
export async function runStep(run: InHand, step: StepModel): Promise<void> {
  for (;;) {
    const before = run.record.steps.get(step.name) ?? FRESH_STEP;
    if (!isWanted(run.record, step.name, before) || !run.isLive()) return;
    const waitMs = run.leftMs(step.name, before.notBeforeMs, step.retry.maxMs);
    if (waitMs > 0) {
      await run.pause(Math.min(waitMs, deadlineOf(run) - run.nowMs));
      if (isLate(run)) await run.report({ kind: "deadline" });
      continue;
    }
    if (isLate(run)) {
      await run.report({ kind: "deadline" });
      continue;
    }
    if (before.hasBegun !== true && (step.intent || step.when !== undefined)) {
      await writeAhead(run, step, before);
      continue;
    }
    const context = contextOf(run, step, before);
    run.track(context);
    const answered = tryOnce(run, step, before, context);
    const answer = answered instanceof Promise ? await answered : answered;
    run.untrack(context);
    if (answer.kind === "lost") return;
    try {
      await conclude(run, step, answer);
    } catch (error) {
      if (answer.kind !== "done") throw error;
      await reportUnstorable(run, step.name, error);
    }
  }
}

function isWanted(record: SagaRecord, name: string, { outcome }: StepRecord): boolean {
  if (record.state !== "running" || outcome !== undefined) return false;
  return record.stuck.size === 0 || record.stuck.get(name)?.isParked !== true;
}

function deadlineOf(run: InHand): Ms {
  const { deadlineAtMs } = run.record;
  const counts = deadlineAtMs !== undefined && phaseOf(run.record, run.model) === "forward";
  return counts ? deadlineAtMs : Infinity;
}

function isLate(run: InHand): boolean {
  return run.record.deadlineAtMs !== undefined && run.nowMs >= deadlineOf(run);
}

/** Whether it is needed, and that it begins: stored before it does. */
async function writeAhead(run: InHand, step: StepModel, before: StepRecord): Promise<void> {
  let isNeeded = true;
  try {
    if (step.when !== undefined) isNeeded = step.when(contextOf(run, step, before) as never);
  } catch (error) {
    const failed = answerOf(error);
    if (failed.kind === "failed") return conclude(run, step, { ...failed, isInDoubt: false });
    return conclude(run, step, failed as Exclude<Answer, { kind: "lost" }>);
  }
  await run.report({ kind: isNeeded ? "begun" : "skipped", step: step.name });
}

/** The context of a run, or of a question about it: under the key of the run. */
export function contextOf(run: InHand, step: StepModel, before: StepRecord): Attempt {
  const { id } = run.held;
  return new Attempt({
    id,
    step: step.name,
    key: `${id}/${step.name}/do`,
    input: run.input,
    out: run.out,
    attempt: before.attempts + 1,
    fencingToken: run.record.fence,
    outcome: "unknown",
    isForward: true,
    begins: beginning(run, { step: step.name, doing: "run", attempt: before.attempts + 1 }),
  });
}

/** Tells tracers that a function of a step begins; nothing where nobody listens. */
export function beginning(
  { desk, held, record }: InHand,
  facts: Pick<SagaAttemptEvent, "step" | "attempt" | "doing">,
): AttemptBegins | undefined {
  const { attempting } = desk.events;
  if (!attempting.hasSubscribers) return undefined;
  const { saga, traceparent, version } = record;
  const subject = { saga, version, id: held.id, ...facts };
  return (question) => {
    const doing = question ?? facts.doing;
    return workBegins(attempting, { ...subject, doing }, traceContext(traceparent));
  };
}

/** Never throws nor rejects: whatever happens is an answer. */
function tryOnce(
  run: InHand,
  step: StepModel,
  before: StepRecord,
  context: Attempt,
): Answer | Promise<Answer> {
  const { deadlineAtMs } = run.record;
  const leftMs = deadlineAtMs === undefined ? Infinity : deadlineOf(run) - run.nowMs;
  const timeoutMs = Math.max(1, Math.min(step.timeoutMs, leftMs));
  const isDoubtful = before.attempts > 0 || run.isStale(step.name);
  return isDoubtful && step.check !== undefined
    ? checked(run, step, context, timeoutMs)
    : context.perform(step.run, run.desk.alarms, timeoutMs);
}

async function checked(
  run: InHand,
  step: StepModel,
  context: Attempt,
  timeoutMs: Ms,
): Promise<Answer> {
  const answer = await askCheck(run, step, context, timeoutMs);
  if (answer.kind !== "none") return answer;
  return context.perform(step.run, run.desk.alarms, timeoutMs);
}

/** What the participant says: done with its output, none, or an attempt that failed. */
export async function askCheck(
  run: InHand,
  step: StepModel,
  context: Attempt,
  timeoutMs: Ms,
): Promise<Answer | { readonly kind: "none" }> {
  if (step.check === undefined) return { kind: "none" };
  const asked = await context.perform(step.check, run.desk.alarms, timeoutMs, "check");
  if (asked.kind === "lost") return asked;
  const said = asked.kind === "done" ? (asked.value as CheckAnswer | undefined) : undefined;
  if (said?.outcome === "done") return { kind: "done", value: said.output };
  if (said?.outcome === "none") return { kind: "none" };
  const error = asked.kind === "failed" ? `check: ${asked.error}` : "check: nobody knows";
  return { kind: "failed", error, isInDoubt: true, retryAfterMs: undefined };
}

function conclude(
  run: InHand,
  step: StepModel,
  answer: Exclude<Answer, { kind: "lost" }>,
): Promise<void> {
  const { name } = step;
  if (answer.kind === "done") return storeDone(run, name, answer.value);
  if (answer.kind === "refused") {
    return run.report({ kind: "refused", step: name, reason: answer.reason });
  }
  const attempts = (run.record.steps.get(name)?.attempts ?? 0) + 1;
  const waitMs = backoffMs(step.retry, attempts, run.desk.backend.runtime, answer.retryAfterMs);
  const kind = attempts >= step.retry.attempts ? "exhausted" : "failed";
  // Of a step that another process may have begun, a call that was not sent proves nothing.
  const isInDoubt = answer.isInDoubt || run.isStale(name);
  const notBeforeMs = run.nowMs + waitMs;
  run.leftMs(name, notBeforeMs, waitMs);
  return run.report({ kind, step: name, error: answer.error, isInDoubt, notBeforeMs });
}

/** Stores that a step is done, or that what it made cannot be stored. */
export async function reportDone(run: InHand, name: string, value: unknown): Promise<void> {
  try {
    await storeDone(run, name, value);
  } catch (error) {
    await reportUnstorable(run, name, error);
  }
}

/** Stores an output: inline, or under a key of its own first. */
function storeDone(run: InHand, name: string, value: unknown): Promise<void> {
  const text = run.desk.payloads.encode(value, `${run.held.id}/${name}`);
  if (text === undefined) return run.report({ kind: "done", step: name });
  const report = (output: Payload): Promise<void> => {
    // As every process that takes it up later will see it.
    run.learn(name, run.desk.payloads.same(value, text));
    return run.report({ kind: "done", step: name, output });
  };
  const stored = run.store(text);
  return stored instanceof Promise ? stored.then(report) : report(stored);
}

/** @throws `error`, if it is not about the value */
function reportUnstorable(run: InHand, name: string, error: unknown): Promise<void> {
  if (!isUnstorable(error)) throw error;
  const reason = `it is done, and its output cannot be stored: ${(error as Error).message}`;
  return run.report({ kind: "unstorable", step: name, reason });
}
