/**
 * What is known of a saga, for people: states, attempts, times, and values as far as the
 * definition's `redact` shows them.
 */
import type { FencingToken, Json, Ms } from "@quorate/core";
import type { Stored } from "../kernel/contract.ts";
import { parkedAt, type SagaDesk } from "./desk.ts";
import { childId } from "./children.ts";
import { sagaMermaid } from "./mermaid.ts";
import type { SagaModel, StepOutcome } from "./model.ts";
import { partsLeft, partsOf, stageIndex } from "./parts.ts";
import type { AuditEntry, Decision, Payload, SagaRecord, SagaState, StepRecord } from "./record.ts";

/** One step. */
export interface StepInspection {
  /** `undefined`: it has no answer yet. */
  readonly outcome: StepOutcome | "skipped" | undefined;
  /** Failed attempts. */
  readonly attempts: number;
  /** An attempt may have taken effect, and nobody knows. */
  readonly isInDoubt: boolean;
  readonly error: string | undefined;
  /** Not tried before this, by wall clock. */
  readonly notBeforeMs: Ms | undefined;
  readonly endedAtMs: Ms | undefined;
  /** Through `redact`; `undefined`: none, or kept apart from the record. */
  readonly output: Json | undefined;
  readonly isUndone: boolean;
  readonly undoAttempts: number;
  readonly undoError: string | undefined;
}

/** One event of a saga's life. */
export interface TimelineEntry {
  readonly atMs: Ms;
  readonly what: string;
}

/** A saga, looked at. Times are wall times of whoever wrote them. */
export interface SagaInspection {
  readonly id: string;
  readonly saga: string;
  readonly version: number;
  readonly state: SagaState;
  /** What waits for an operator, or is only flagged and still tried. */
  readonly stuck: readonly {
    readonly what: string;
    readonly reason: string;
    readonly isParked: boolean;
    readonly atMs: Ms;
  }[];
  /** Why it turned back. */
  readonly decision: Decision | undefined;
  readonly steps: ReadonlyMap<string, StepInspection>;
  /** The steps at hand; empty where the definition is not served here. */
  readonly current: readonly string[];
  /** How long the oldest doubt at hand has lasted; `undefined`: nothing is in doubt. */
  readonly inDoubtForMs: Ms | undefined;
  readonly input: Json | undefined;
  readonly result: Json | undefined;
  readonly createdAtMs: Ms;
  readonly endedAtMs: Ms | undefined;
  readonly deadlineAtMs: Ms | undefined;
  readonly owner: string;
  readonly fencingToken: FencingToken;
  readonly takeovers: number;
  readonly parent: string | undefined;
  /** Ids of the sagas inside of it. */
  readonly children: readonly string[];
  readonly audit: readonly AuditEntry[];
  /** What happened, oldest first. */
  readonly timeline: readonly TimelineEntry[];
  /** As a Mermaid flowchart, coloured; empty where the definition is not served here. */
  mermaid(): string;
}

/** What may be shown of `stored`. */
export function inspectionOf(desk: SagaDesk, stored: Stored<SagaRecord>): SagaInspection {
  const { id, record } = stored;
  const model = desk.modelOf(record);
  const show = shower(desk, model);
  const steps = new Map([...record.steps].map(([name, step]) => [name, inspectStep(step, show)]));
  const left =
    model === undefined || record.state !== "running"
      ? []
      : partsLeft(record, model.stages[stageIndex(record, model)]);
  const nowMs = desk.backend.runtime.time.wallMs();
  const { saga, version, state, createdAtMs, takeovers, audit, owner } = record;
  return {
    ...{ id, saga, version, state, createdAtMs, takeovers, audit, owner, steps },
    stuck: [...record.stuck].map(([what, stuck]) => ({ what, ...stuck })),
    decision: record.decision,
    current: left.map(({ name }) => name),
    inDoubtForMs: doubtMs(record, nowMs),
    input: show(record.input),
    result: show(record.result),
    endedAtMs: record.endedAtMs,
    deadlineAtMs: record.deadlineAtMs,
    fencingToken: record.fence,
    parent: record.parent,
    children: childrenOf(id, record, model),
    timeline: timelineOf(record),
    mermaid: () => (model === undefined ? "" : drawn(record, model)),
  };
}

type Show = (payload: Payload | undefined) => Json | undefined;

function shower({ payloads }: SagaDesk, model: SagaModel | undefined): Show {
  return (payload) => {
    // Without its definition nobody knows what is to be hidden.
    if (model === undefined || payload?.kind !== "inline") return undefined;
    try {
      const value = payloads.decode(payload.text);
      return model.redact === undefined ? value : model.redact(value);
    } catch {
      return undefined;
    }
  };
}

function inspectStep(step: StepRecord, show: Show): StepInspection {
  return {
    outcome: step.outcome,
    attempts: step.attempts,
    isInDoubt:
      step.isInDoubt === true || (step.outcome === "unknown" && step.undo?.isDone !== true),
    error: step.error,
    notBeforeMs: step.undo === undefined ? step.notBeforeMs : step.undo.notBeforeMs,
    endedAtMs: step.atMs,
    output: show(step.output),
    isUndone: step.undo?.isDone === true,
    undoAttempts: step.undo?.attempts ?? 0,
    undoError: step.undo?.error,
  };
}

/** Since the write before: when the last step ended, or the saga began. */
function doubtMs(record: SagaRecord, nowMs: Ms): Ms | undefined {
  const steps = record.steps.records;
  const isInDoubt = steps.some(
    ({ outcome, isInDoubt, undo }) =>
      (outcome === undefined && isInDoubt === true) ||
      (outcome === "unknown" && undo?.isDone !== true),
  );
  if (!isInDoubt || record.state === "done" || record.state === "compensated") return undefined;
  const lastMs = steps.reduce(
    (last, { outcome, atMs }) => (outcome === "unknown" ? last : Math.max(last, atMs ?? 0)),
    record.createdAtMs,
  );
  return Math.max(0, nowMs - lastMs);
}

function childrenOf(id: string, record: SagaRecord, model: SagaModel | undefined): string[] {
  const parts = model?.stages.flatMap(partsOf) ?? [];
  return parts
    .filter(({ kind, name }) => kind === "child" && record.steps.has(name))
    .map(({ name }) => childId(id, name));
}

function timelineOf(record: SagaRecord): TimelineEntry[] {
  const entries: TimelineEntry[] = [{ atMs: record.createdAtMs, what: "started" }];
  for (const [name, { outcome, atMs, undo }] of record.steps) {
    if (atMs !== undefined) entries.push({ atMs, what: `${name}: ${outcome ?? "failed"}` });
    if (undo?.atMs !== undefined) entries.push({ atMs: undo.atMs, what: `${name}: undone` });
  }
  const { decision, endedAtMs } = record;
  if (decision !== undefined) {
    entries.push({ atMs: decision.atMs, what: `turned back: ${decision.cause}` });
  }
  for (const [what, { atMs }] of record.stuck) entries.push({ atMs, what: `${what}: stuck` });
  for (const { verb, target, by, atMs } of record.audit) {
    entries.push({ atMs, what: `${verb} ${target} by ${by}`.replace("  ", " ") });
  }
  if (endedAtMs !== undefined) entries.push({ atMs: endedAtMs, what: record.state });
  return entries.sort((left, right) => left.atMs - right.atMs);
}

function drawn(record: SagaRecord, model: SagaModel): string {
  const steps = Object.fromEntries(
    [...record.steps].map(([name, { outcome, undo }]) => [
      name,
      { outcome, undone: undo?.isDone === true },
    ]),
  );
  const parked = parkedAt(record)?.replace(/:undo$/, "");
  return sagaMermaid(model, { state: record.state, stuck: parked, steps });
}
