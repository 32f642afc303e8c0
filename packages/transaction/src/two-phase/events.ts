/**
 * What two-phase commit tells the world: events on `runtime.events`, by default
 * `node:diagnostics_channel`.
 *
 * Ids, names and numbers only. An event that nobody subscribes to costs one property read.
 */
import type { ErrorCode, EventChannel, Events, Ms } from "@quorate/core";
import type { Decision } from "./record.ts";

/** `quorate:two-phase.decided`: the decision is durable. */
export interface DecidedEvent {
  readonly id: string;
  readonly decision: Decision;
  /** Empty if it committed. */
  readonly reason: string;
  /** Who wrote it: the run itself, one who asked past the deadline, or who took it over. */
  readonly by: "run" | "asker" | "recovery";
  /** Since the transaction began, by wall clocks. */
  readonly ageMs: Ms;
}

/** `quorate:two-phase.ended`: all participants have carried it out. */
export interface EndedEvent {
  readonly id: string;
  readonly decision: Decision;
  /** From the decision to the last participant's word: how long they held locks needlessly. */
  readonly inDoubtMs: Ms;
}

/** `quorate:two-phase.participant-failed`: one call; it is retried where the protocol needs it. */
export interface ParticipantFailedEvent {
  readonly id: string;
  readonly participant: string;
  readonly doing: "begin" | "prepare" | "commit" | "abort" | "settle" | "sweep";
  readonly attempt: number;
  readonly code: ErrorCode | "UNKNOWN";
}

/** `quorate:two-phase.swept`: a branch that nobody carried out was found and carried out. */
export interface SweptEvent {
  readonly id: string;
  readonly participant: string;
  readonly decision: Decision;
  /** Since it was prepared, by the participant's clock. */
  readonly ageMs: Ms;
}

/** `quorate:two-phase.foreign`: prepared branches of another store: nobody here may judge them. */
export interface ForeignEvent {
  readonly participant: string;
  readonly count: number;
  readonly oldestMs: Ms;
}

/** The channels of a `TwoPhase`, looked up once. */
export interface TwoPhaseEvents {
  readonly decided: EventChannel<DecidedEvent>;
  readonly ended: EventChannel<EndedEvent>;
  readonly participantFailed: EventChannel<ParticipantFailedEvent>;
  readonly swept: EventChannel<SweptEvent>;
  readonly foreign: EventChannel<ForeignEvent>;
}

/** Looks up the channels. */
export function twoPhaseEvents(events: Events): TwoPhaseEvents {
  return {
    decided: events.channel("two-phase.decided"),
    ended: events.channel("two-phase.ended"),
    participantFailed: events.channel("two-phase.participant-failed"),
    swept: events.channel("two-phase.swept"),
    foreign: events.channel("two-phase.foreign"),
  };
}
