/**
 * What all parts of one `TwoPhase` share: the store of records, participants by name, time.
 */
import {
  type Backend,
  type ErrorCode,
  isQuorateError,
  linkedController,
  type Ms,
  QuorateError,
  withDeadline,
} from "@quorate/core";
import type { Station } from "../kernel/contract.ts";
import type { Branch } from "./branch.ts";
import type { ParticipantFailedEvent, TwoPhaseEvents } from "./events.ts";
import type { Settings } from "./options.ts";
import type { BranchCall, Participant } from "./participant.ts";
import type { Decision, Progress, TwoPhaseRecord } from "./record.ts";

/** The means of one `TwoPhase`. */
export interface Desk {
  readonly backend: Backend;
  readonly settings: Settings;
  readonly events: TwoPhaseEvents;
  readonly station: Station<TwoPhaseRecord>;
  /** Those that this process serves. */
  readonly participants: Map<string, Participant<unknown>>;
  /** The store's realm; asked for once. */
  realm(): Promise<string>;
}

/** Whose call it is, for the event of its failure. */
export type CallFacts = Pick<ParticipantFailedEvent, "id" | "participant" | "doing"> & {
  readonly attempt?: number;
};

/**
 * A call of a participant: it settles within `callTimeoutMs`, whatever the other side does, and its
 * failure is told.
 */
export async function callParticipant<T>(
  desk: Desk,
  facts: CallFacts,
  signal: AbortSignal | undefined,
  call: (bounds: BranchCall) => Promise<T>,
): Promise<T> {
  const timeoutMs = desk.settings.callTimeoutMs;
  const control = linkedController(signal);
  const operation = `two-phase.${facts.doing}`;
  try {
    return await withDeadline(desk.backend.runtime, call({ signal: control.signal }), {
      timeoutMs,
      signal,
      onTimeout: () => timeoutError(operation, facts.participant, timeoutMs),
    });
  } catch (error) {
    control.abort(error);
    if (desk.events.participantFailed.hasSubscribers) {
      const { id, participant, doing, attempt = 1 } = facts;
      const code = codeOf(error);
      desk.events.participantFailed.publish({ id, participant, doing, attempt, code });
    }
    throw error;
  } finally {
    control.detach();
  }
}

/** The branch of `participant` in a stored transaction. */
export async function branchOf(
  desk: Desk,
  { id, tag, participant }: Pick<Branch, "id" | "tag" | "participant">,
): Promise<Branch> {
  return { name: desk.settings.name, realm: await desk.realm(), id, tag, participant };
}

/** A decision as progress of a record; with nobody pending it has ended. */
export function decided(
  desk: Desk,
  {
    decision,
    reason,
    pending,
  }: Omit<Extract<Progress, { kind: "decided" }>, "kind" | "decidedAtMs">,
): Progress {
  const atMs = desk.backend.runtime.time.wallMs();
  if (pending.length === 0) return { kind: "ended", decision, endedAtMs: atMs, reason };
  return { kind: "decided", decision, pending, decidedAtMs: atMs, reason };
}

/** Tells of a decision that is durable. */
export function publishDecided(
  desk: Desk,
  id: string,
  record: TwoPhaseRecord,
  by: "run" | "asker" | "recovery",
): void {
  const { progress } = record;
  if (!desk.events.decided.hasSubscribers || progress.kind === "preparing") return;
  const { decision, reason } = progress;
  const ageMs = ageOf(desk, record);
  desk.events.decided.publish({ id, decision, reason, by, ageMs });
}

/** Since the transaction began, by wall clocks; never negative. */
export function ageOf(desk: Desk, record: TwoPhaseRecord): Ms {
  return Math.max(0, desk.backend.runtime.time.wallMs() - record.startedAtMs);
}

/** How it was decided; `undefined`: it was not. */
export function decisionOf(record: TwoPhaseRecord): Decision | undefined {
  return record.progress.kind === "preparing" ? undefined : record.progress.decision;
}

/** The code of an error, for events. */
export function codeOf(error: unknown): ErrorCode | "UNKNOWN" {
  return isQuorateError(error) ? error.code : "UNKNOWN";
}

function timeoutError(
  operation: string,
  participant: string,
  timeoutMs: Ms,
): QuorateError<"TIMEOUT"> {
  const message = `${participant} did not answer ${operation} in ${timeoutMs} ms`;
  const details = { operation, timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}
