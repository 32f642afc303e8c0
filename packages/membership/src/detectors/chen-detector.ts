/**
 * NFD-E: when should the next heartbeat be here, judged by when the numbered ones were?
 *
 * The sender numbers its heartbeats and sends the s-th at about s intervals after some start. Each
 * one that arrives tells where that start is on our clock, its delay included; the mean of these is
 * where the next one is expected, and `marginMs` after that the peer is suspect. A lost heartbeat
 * neither stretches the estimate nor hides in it, and delays do not add up, as they do where each
 * silence is timed from the last arrival.
 *
 * Where we leave the paper: a heartbeat further off the estimate than the margin starts it anew,
 * since the sender itself stood still, or keeps another time, and its schedule has moved.
 *
 * Suspicion is the lateness in margins; the threshold is 1. Without numbers heartbeats are counted
 * as they come: then each lost one moves the schedule by an interval.
 *
 * Chen, Toueg and Aguilera, "On the Quality of Service of Failure Detectors", IEEE Transactions on
 * Computers, 2002, section 5.3.
 */
import { knownOptions, type Ms, positive, positiveInteger } from "@quorate/core";
import type { DetectorOptions } from "./detector.ts";
import { IntervalWindow } from "./interval-window.ts";
import { checkInterval, DETECTOR_OPTIONS, RhythmDetector } from "./rhythm-detector.ts";
import type { Beat, Rhythm } from "./rhythm.ts";

/** Options of `ChenDetector`. */
export interface ChenDetectorOptions extends DetectorOptions {
  /**
   * How late a heartbeat may be (the paper's α). A lost one makes the next an interval late: with
   * the default two in a row may be lost. @default 2.5 intervals
   */
  readonly marginMs?: Ms;
  /** Heartbeats by which the schedule is estimated. @default 100 */
  readonly windowSize?: number;
}

interface Settings {
  readonly intervalMs: Ms;
  readonly marginMs: Ms;
  readonly windowSize: number;
}

const DEFAULT_MARGIN_INTERVALS = 2.5;

/**
 * A failure detector that estimates each peer's schedule.
 *
 * @example
 * import { ChenDetector } from "@quorate/membership";
 * const detector = new ChenDetector({ intervalMs: 500 });
 * detector.heartbeat("billing-2", { seq: 41 });
 * console.log(detector.heartbeat("billing-2", { seq: 41 })); // => false
 */
export class ChenDetector extends RhythmDetector {
  /** @throws INVALID_ARGUMENT an option is unknown or out of bounds. */
  constructor(options: ChenDetectorOptions = {}) {
    knownOptions("options", options, [...DETECTOR_OPTIONS, "marginMs", "windowSize"]);
    const intervalMs = checkInterval(options);
    const settings: Settings = {
      intervalMs,
      marginMs: positive("marginMs", options.marginMs ?? DEFAULT_MARGIN_INTERVALS * intervalMs),
      windowSize: positiveInteger("windowSize", options.windowSize ?? 100),
    };
    super(options, 1, () => new ChenRhythm(settings));
  }
}

/** One peer's schedule. */
class ChenRhythm implements Rhythm {
  readonly #settings: Settings;
  /** For each heartbeat: when the one with `#firstSeq` would have arrived, by its reckoning. */
  readonly #starts: IntervalWindow;
  #firstSeq = 0;
  #seq = -1;
  /** From the last arrival to the next expected one. */
  #expectedAfterMs: Ms;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#starts = new IntervalWindow(settings.windowSize);
    this.#expectedAfterMs = settings.intervalMs;
  }

  beat({ atMs, seq = this.#seq + 1, isTimely }: Beat): void {
    const { intervalMs, marginMs } = this.#settings;
    this.#seq = seq;
    const startMs = atMs - intervalMs * (seq - this.#firstSeq);
    if (this.#starts.count === 0) this.#restart(atMs, seq);
    else if (isTimely) {
      if (Math.abs(startMs - this.#starts.mean) <= marginMs) this.#starts.add(startMs);
      else this.#restart(atMs, seq);
    }
    const nextMs = this.#starts.mean + intervalMs * (seq + 1 - this.#firstSeq);
    // Whoever was just heard has the margin at least, and never more than an interval beside it.
    this.#expectedAfterMs = Math.min(Math.max(0, nextMs - atMs), intervalMs + marginMs);
  }

  suspicion(silentMs: Ms): number {
    return Math.max(0, silentMs - this.#expectedAfterMs) / this.#settings.marginMs;
  }

  /** From this one on. Counting from it also keeps the products small, and hence exact. */
  #restart(atMs: Ms, seq: number): void {
    this.#firstSeq = seq;
    this.#starts.clear();
    this.#starts.add(atMs);
  }
}
