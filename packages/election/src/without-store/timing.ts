/**
 * The three durations of an election without a store, and what must hold between them.
 *
 * They are its only protection against taking a slow member for a dead one, and no value is right
 * for ever: shorter ones find a crash sooner and err more often.
 */
import { invalidArgument, type Ms, positive } from "@quorate/core";

/** Durations that can be chosen. All members should choose the same. */
export interface HintTimingOptions {
  /** How often a leader says that it lives. @default 500 */
  readonly heartbeatMs?: Ms;
  /**
   * Silence of the leader after which an election begins: at least two heartbeats. Should exceed
   * the longest pause of a healthy process. @default four heartbeats
   */
  readonly suspectAfterMs?: Ms;
  /**
   * How long a living member may take to answer: a round trip of the bus and a pause of the event
   * loop. At most `suspectAfterMs`. @default half a heartbeat
   */
  readonly answerMs?: Ms;
}

/** Durations, checked. */
export type HintTiming = Required<HintTimingOptions>;

const DEFAULT_HEARTBEAT_MS = 500;

/** Checks durations, alone and with one another. @throws INVALID_ARGUMENT */
export function checkTiming(options: HintTimingOptions): HintTiming {
  const heartbeatMs = positive("heartbeatMs", options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS);
  const suspectAfterMs = positive("suspectAfterMs", options.suspectAfterMs ?? 4 * heartbeatMs);
  const answerMs = positive("answerMs", options.answerMs ?? heartbeatMs / 2);
  if (suspectAfterMs < 2 * heartbeatMs) {
    const expected = `at least two heartbeats, ${2 * heartbeatMs} ms: one may be lost`;
    throw invalidArgument("suspectAfterMs", suspectAfterMs, expected);
  }
  if (answerMs > suspectAfterMs) {
    throw invalidArgument("answerMs", answerMs, `at most suspectAfterMs, ${suspectAfterMs} ms`);
  }
  return { heartbeatMs, suspectAfterMs, answerMs };
}
