/**
 * What synchronisation tells observers, on the channel `clock`.
 *
 * The clock goes on in each case, and its error bound grows: that is what to alert on. These
 * events say why it grows.
 */
import type { ErrorCode } from "@quorate/core";

/** A time server was asked and did not answer. */
export interface TimePollFailed {
  readonly kind: "time-poll-failed";
  readonly subject: string;
  /** Such as `NO_RESPONDERS` or `TIMEOUT`. */
  readonly code: ErrorCode | "unknown";
}

/** A time server's answer was not used: what it says contradicts itself, or nothing is known. */
export interface TimeAnswerRefused {
  readonly kind: "time-answer-refused";
  readonly subject: string;
  readonly reason: "malformed" | "set-back" | "negative-delay" | "unsynced";
}

/** A time server contradicts what it said before: its clock, or ours, was set. */
export interface TimeServerJumped {
  readonly kind: "time-server-jumped";
  readonly subject: string;
}

/** No majority of the time servers agrees: the clock was not adjusted. */
export interface TimeWithoutMajority {
  readonly kind: "time-without-majority";
  /** How many are asked. */
  readonly servers: number;
}

/** Events of `syncClock`. */
export type TimeSyncEvent =
  | TimePollFailed
  | TimeAnswerRefused
  | TimeServerJumped
  | TimeWithoutMajority;
