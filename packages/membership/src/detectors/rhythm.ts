/**
 * The rhythm of one peer: what a kind of detector learns from heartbeats, and makes of a silence.
 *
 * All that differs between the detectors is here; who is watched, what time it is, and how long
 * this process itself stood still is the business of `RhythmDetector`.
 */
import type { Ms } from "@quorate/core";

/** A heartbeat, as a rhythm hears it. */
export interface Beat {
  /** When it arrived, on the monotonic clock. */
  readonly atMs: Ms;
  /** Silence before it, without the times at which this process stood still. */
  readonly silentMs: Ms;
  /** The sender's number; `undefined`: it does not count. */
  readonly seq: number | undefined;
  /** Whether its time of arrival says anything: not if it waited while this process stood still. */
  readonly isTimely: boolean;
}

/** One peer's rhythm. */
export interface Rhythm {
  /** Learns. */
  beat(beat: Beat): void;
  /** Suspicion after `silentMs` without a heartbeat: >= 0, and never less for a longer silence. */
  suspicion(silentMs: Ms): number;
}
