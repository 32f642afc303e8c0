/**
 * A saga as a step of another: a record of its own, under `parent/step`.
 *
 * It runs by itself, with its own owner; the parent waits for its end. A child that is done can
 * still be undone until its parent has ended: only then is it sealed. Undoing the step is telling
 * the child to compensate.
 *
 * Guarantees: a parent that turns back before its child was made leaves a tombstone, so that a late
 * copy of the parent cannot make it afterwards.
 */
import type { Stored } from "../kernel/contract.ts";
import { Attempt } from "./attempt.ts";
import { hasEnded, letGoOf } from "./desk.ts";
import { reportDone } from "./do-step.ts";
import type { InHand } from "./in-hand.ts";
import type { Report } from "./inputs.ts";
import { advance } from "./machine.ts";
import type { ChildModel, SagaModel } from "./model.ts";
import { needsUndo } from "./parts.ts";
import { cut, FRESH_STEP, NONE_STUCK, type SagaRecord } from "./record.ts";
import { Steps } from "./steps.ts";
import { tell } from "./tell.ts";

const RETRY_MS = 100;

/** The id of a child. */
export function childId(parent: string, step: string): string {
  return `${parent}/${step}`;
}

/** A record that has just begun. */
export function freshRecord(
  model: SagaModel,
  facts: Pick<SagaRecord, "input" | "createdAtMs" | "owner" | "fence"> & {
    readonly parent?: string;
    readonly traceparent?: string | undefined;
  },
): SagaRecord {
  const { deadlineMs } = model;
  const { createdAtMs } = facts;
  return {
    saga: model.name,
    version: model.version,
    hash: model.hash,
    state: "running",
    owner: facts.owner,
    fence: facts.fence,
    takeovers: 0,
    input: facts.input,
    createdAtMs,
    endedAtMs: undefined,
    deadlineAtMs: deadlineMs === undefined ? undefined : createdAtMs + deadlineMs,
    parent: facts.parent,
    traceparent: facts.traceparent,
    isSealed: undefined,
    isSealing: undefined,
    steps: Steps.NONE,
    stuck: NONE_STUCK,
    decision: undefined,
    result: undefined,
    audit: [],
  };
}

/** Runs the child of `part` to its end, or until the parent turns back. */
export async function runChild(run: InHand, part: ChildModel): Promise<void> {
  const id = childId(run.held.id, part.name);
  const made = await makeChild(run, part, id);
  if (!made || !run.isLive()) return;
  while (run.isLive() && run.record.state === "running") {
    if (run.record.steps.get(part.name)?.outcome !== undefined) return;
    const child = await awaited(run, id);
    if (child === undefined) {
      if (await tooLate(run)) return;
      continue;
    }
    if (child.state === "done") {
      return reportDone(run, part.name, await run.desk.payloads.read(child.result));
    }
    const reason = child.decision?.reason ?? "compensated";
    return run.report({ kind: "refused", step: part.name, reason });
  }
}

/** The parent's own deadline passes while the child runs. */
async function tooLate(run: InHand): Promise<boolean> {
  const { deadlineAtMs } = run.record;
  if (deadlineAtMs === undefined || run.nowMs < deadlineAtMs) return false;
  await run.report({ kind: "deadline" });
  return true;
}

/** The child's record when it has ended; `undefined`: something else may have changed. */
async function awaited(run: InHand, id: string): Promise<SagaRecord | undefined> {
  const { signal, detach } = run.wakeSignal();
  const { deadlineAtMs } = run.record;
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  signal.addEventListener("abort", stop);
  const alarm =
    deadlineAtMs === undefined
      ? undefined
      : run.desk.alarms.set(Math.max(0, deadlineAtMs - run.nowMs), stop);
  try {
    if (!run.isLive()) return undefined;
    return await run.desk.observe(id, hasEnded, controller.signal);
  } catch (error) {
    if (controller.signal.aborted) return undefined;
    throw error;
  } finally {
    detach();
    if (alarm !== undefined) run.desk.alarms.clear(alarm);
  }
}

/** Makes the record, unless it is there. False: it could not be made, and that is stored. */
async function makeChild(run: InHand, part: ChildModel, id: string): Promise<boolean> {
  const { station } = run.desk;
  if (run.isStale(part.name) && (await station.read(id)) !== undefined) return true;
  const asked = await inputOf(run, part);
  if (asked.kind === "refused") {
    await run.report({ kind: "refused", step: part.name, reason: asked.reason });
    return false;
  }
  if (asked.kind === "lost") return false;
  const input = await run.store(asked.text);
  const { owner, fence } = await station.ownership();
  const { traceparent } = run.record;
  const facts = { input, createdAtMs: run.nowMs, owner, fence, parent: run.held.id, traceparent };
  const created = await station.create(id, freshRecord(part.saga, facts));
  if (created.created) void station.drive(created.held);
  return true;
}

/** What the child is asked; a mistake in it is the definition's, and final. */
async function inputOf(
  run: InHand,
  part: ChildModel,
): Promise<
  { kind: "value"; text: string } | { kind: "refused"; reason: string } | { kind: "lost" }
> {
  const context = new Attempt({
    id: run.held.id,
    step: part.name,
    key: `${run.held.id}/${part.name}/do`,
    input: run.input,
    out: run.out,
    attempt: (run.record.steps.get(part.name) ?? FRESH_STEP).attempts + 1,
    fencingToken: run.record.fence,
    outcome: "unknown",
    isForward: true,
  });
  try {
    const value = part.input(context as never);
    const text = run.desk.payloads.encode(value, `${run.held.id}/${part.name}`) ?? "null";
    const parsed = await part.saga.parse(run.desk.payloads.decode(text));
    if (parsed.ok) return { kind: "value", text };
    return { kind: "refused", reason: cut(`the input does not fit the schema: ${parsed.issues}`) };
  } catch (error) {
    return { kind: "refused", reason: cut(`its input threw: ${String(error)}`) };
  }
}

/** Has the child of `part` compensate, and waits for it. */
export async function undoChild(run: InHand, part: ChildModel): Promise<void> {
  const id = childId(run.held.id, part.name);
  while (run.isLive() && needsUndo(run.record, part)) {
    const state = await turnBack(run, part, id);
    if (state === "compensated") return run.report({ kind: "undone", step: part.name });
    if (state === "again") {
      await run.pause(RETRY_MS);
      continue;
    }
    const child = await awaitedBack(run, id);
    if (child?.state === "compensated") return run.report({ kind: "undone", step: part.name });
  }
}

async function awaitedBack(run: InHand, id: string): Promise<SagaRecord | undefined> {
  const { signal, detach } = run.wakeSignal();
  try {
    if (!run.isLive()) return undefined;
    const isBack = ({ state }: SagaRecord): boolean => state === "compensated";
    return await run.desk.observe(id, isBack, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    detach();
  }
}

/** Stores in the child that its parent turned back. */
async function turnBack(
  run: InHand,
  part: ChildModel,
  id: string,
): Promise<"compensated" | "compensating" | "again"> {
  const { station } = run.desk;
  const stored = await station.read(id);
  if (stored === undefined) return (await leaveTombstone(run, part, id)) ? "compensated" : "again";
  if (stored.record.state === "compensated") return "compensated";
  const reason = run.record.decision?.reason ?? "";
  const after = await tellChild(run, stored, part.saga, { kind: "parent-undo", reason });
  if (after === undefined) return "again";
  return after.state === "compensated" ? "compensated" : "compensating";
}

async function leaveTombstone(run: InHand, part: ChildModel, id: string): Promise<boolean> {
  const facts = { createdAtMs: run.nowMs, owner: "", fence: run.record.fence, parent: run.held.id };
  const input = { kind: "inline", text: "null" } as const;
  const fresh = freshRecord(part.saga, { ...facts, input });
  const decision = { cause: "parent", step: "", reason: "", atMs: run.nowMs } as const;
  const tombstone = { ...fresh, state: "compensated", endedAtMs: run.nowMs, decision } as const;
  return (await run.desk.station.create(id, tombstone)).created;
}

/** Writes what follows from `report` in the child's record, and has it driven. */
async function tellChild(
  run: InHand,
  stored: Stored<SagaRecord>,
  model: SagaModel,
  report: Report,
): Promise<SagaRecord | undefined> {
  const { station } = run.desk;
  const { record, id } = stored;
  const after = advance(record, report, model, run.nowMs).record;
  if (after === record) return record;
  const isIdle = after.owner === "" && (after.state === "compensating" || after.isSealing === true);
  const ours = isIdle ? await station.ownership() : undefined;
  const next =
    ours === undefined
      ? after
      : { ...after, owner: ours.owner, fence: Math.max(ours.fence, after.fence + 1) };
  const held = await station.replace(stored, next);
  if (held === undefined) return undefined;
  tell(run.desk.events, id, report, record, next);
  await letGoOf(run.desk, next);
  if (ours === undefined) station.nudge(id);
  else void station.drive(held);
  return next;
}

/**
 * The parent has ended: its children can no longer be undone, and may be forgotten in time. False:
 * the worker has to leave it to another.
 */
export async function sealChildren(run: InHand): Promise<boolean> {
  for (const stage of run.model.stages) {
    if (stage.kind !== "child" || run.record.steps.get(stage.name)?.outcome !== "done") continue;
    const id = childId(run.held.id, stage.name);
    for (let isSealed = false; !isSealed;) {
      if (!run.isLive()) return false;
      const stored = await run.desk.station.read(id);
      if (stored === undefined) break;
      isSealed = (await tellChild(run, stored, stage.saga, { kind: "seal" })) !== undefined;
    }
  }
  return true;
}
