/**
 * What elections tell the world: events on `runtime.events`, by default `node:diagnostics_channel`.
 *
 * Names and numbers only, never a value. Renewals and losses of the lease beneath are told by the
 * `quorate:lock.*` events, under the key `election/<name>`.
 */
import type { ErrorCode, EventChannel, Events, FencingToken, Ms } from "@quorate/core";
import type { EndReason } from "./election-errors.ts";

/** Whose event it is. */
export interface ElectionSubject {
  readonly election: string;
  readonly candidate: string;
}

/** `quorate:election.elected`: this candidate leads, and its work begins. */
export interface Elected extends ElectionSubject {
  readonly term: FencingToken;
  /** What the work waited for after the election, by `lockDelayMs`. */
  readonly delayedMs: Ms;
}

/** `quorate:election.stepping-down`: the work was told to stop at this moment. */
export interface SteppingDown extends ElectionSubject {
  readonly term: FencingToken;
  readonly reason: EndReason;
}

/**
 * `quorate:election.ended`: the term is over and its work has ended, or was cut off
 * (`left-to-expire`).
 */
export interface TermEnded extends ElectionSubject {
  readonly term: FencingToken;
  readonly answer: "released" | "expired" | "left-to-expire";
}

/** `quorate:election.failed`: asking for the leadership, or recording the term, failed. */
export interface ElectionFailed extends ElectionSubject {
  /** `ask`, `record`, `observe`, `listen`, `prefer`. */
  readonly during: string;
  readonly code: ErrorCode | "UNKNOWN";
  /** In a row. */
  readonly failures: number;
}

/** `quorate:election.overdue`: the work was told to stop this long ago, and goes on. */
export interface WorkOverdue extends ElectionSubject {
  readonly term: FencingToken;
  readonly afterMs: Ms;
}

/** The channels of one election, looked up once. */
export interface ElectionEvents {
  readonly elected: EventChannel<Elected>;
  readonly steppingDown: EventChannel<SteppingDown>;
  readonly ended: EventChannel<TermEnded>;
  readonly failed: EventChannel<ElectionFailed>;
  readonly overdue: EventChannel<WorkOverdue>;
}

/** Looks up the channels. */
export function electionEvents(events: Events): ElectionEvents {
  return {
    elected: events.channel("election.elected"),
    steppingDown: events.channel("election.stepping-down"),
    ended: events.channel("election.ended"),
    failed: events.channel("election.failed"),
    overdue: events.channel("election.overdue"),
  };
}
