/**
 * Phi accrual: how surprising is this silence, given how the peer has been heard so far?
 *
 * A late heartbeat is not a crash, only evidence of one. The detector remembers the last intervals
 * and turns the present silence into φ = -log10(chance that a living peer with this history is
 * silent for so long). At φ = 1 one suspicion in 10 is wrong, at φ = 8 one in 10⁸, as far as the
 * intervals are normal; real ones have losses and pauses, hence `acceptablePauseMs`.
 *
 * Where we leave others: the exact tail instead of the logistic curve; a deviation that cannot be
 * NaN; a pause of one interval by default, since without any each lost heartbeat is a false alarm
 * and, being late, is never learnt from (measured: 866 a day at 1 % loss).
 *
 * Guarantees: φ is finite and never falls during a silence. A silence that ended in suspicion was
 * an outage and is not learnt, unless three come in a row: then it is the peer's rhythm.
 *
 * Hayashibara, Défago, Yared and Katayama, "The φ Accrual Failure Detector", SRDS 2004.
 */
import { knownOptions, type Ms, nonNegative, positive, positiveInteger } from "@quorate/core";
import type { DetectorOptions } from "./detector.ts";
import { IntervalWindow } from "./interval-window.ts";
import { phiOf } from "./normal-tail.ts";
import { checkInterval, DETECTOR_OPTIONS, RhythmDetector } from "./rhythm-detector.ts";
import type { Beat, Rhythm } from "./rhythm.ts";

/** Options of `PhiDetector`. */
export interface PhiDetectorOptions extends DetectorOptions {
  /** φ from which a peer is suspect. Lower detects sooner and errs more. @default 12 */
  readonly threshold?: number;
  /** Intervals remembered of each peer. @default 200 */
  readonly windowSize?: number;
  /** Silence forgiven beyond the mean: lost heartbeats, pauses. @default one interval */
  readonly acceptablePauseMs?: Ms;
  /**
   * Floor of the deviation, so that a metronome is not suspected over 1 ms of jitter.
   * @default the greater of 100 and a fifth of an interval
   */
  readonly minDeviationMs?: Ms;
}

/** What all rhythms of a detector share. */
interface Settings {
  readonly intervalMs: Ms;
  readonly threshold: number;
  readonly windowSize: number;
  readonly acceptablePauseMs: Ms;
  readonly minDeviationMs: Ms;
}

/** Chosen by measurement: see docs/failure-detectors.md. */
const DEFAULT_THRESHOLD = 12;
/** Silences in a row, each of which ended in suspicion, that are a rhythm and no outage. */
const LATE_RHYTHM = 3;

/**
 * A failure detector that learns how regular each peer is.
 *
 * @example
 * import { PhiDetector } from "@quorate/membership";
 * const detector = new PhiDetector({ intervalMs: 500 });
 * detector.heartbeat("billing-2");
 * console.log(detector.suspicion("billing-2") < 1); // => true
 */
export class PhiDetector extends RhythmDetector {
  /** @throws INVALID_ARGUMENT an option is unknown or out of bounds. */
  constructor(options: PhiDetectorOptions = {}) {
    const own = ["threshold", "windowSize", "acceptablePauseMs", "minDeviationMs"] as const;
    knownOptions("options", options, [...DETECTOR_OPTIONS, ...own]);
    const intervalMs = checkInterval(options);
    const minDeviationMs = options.minDeviationMs ?? Math.max(100, 0.2 * intervalMs);
    const settings: Settings = {
      intervalMs,
      threshold: positive("threshold", options.threshold ?? DEFAULT_THRESHOLD),
      windowSize: positiveInteger("windowSize", options.windowSize ?? 200),
      acceptablePauseMs: nonNegative("acceptablePauseMs", options.acceptablePauseMs ?? intervalMs),
      minDeviationMs: positive("minDeviationMs", minDeviationMs),
    };
    super(options, settings.threshold, () => new PhiRhythm(settings));
  }
}

/** One peer's intervals. */
class PhiRhythm implements Rhythm {
  readonly #settings: Settings;
  readonly #window: IntervalWindow;
  #patienceMs = 0;
  #deviationMs = 1;
  #lateSumMs = 0;
  #lateCount = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#window = new IntervalWindow(settings.windowSize);
    this.#restart(settings.intervalMs);
  }

  beat({ silentMs, isTimely }: Beat): void {
    if (!isTimely) return;
    if (this.suspicion(silentMs) < this.#settings.threshold) {
      this.#lateSumMs = 0;
      this.#lateCount = 0;
      this.#window.add(silentMs);
      return this.#learn();
    }
    this.#lateSumMs += silentMs;
    this.#lateCount += 1;
    if (this.#lateCount === LATE_RHYTHM) this.#restart(this.#lateSumMs / LATE_RHYTHM);
  }

  suspicion(silentMs: Ms): number {
    return phiOf((silentMs - this.#patienceMs) / this.#deviationMs);
  }

  /** Two guesses, so that the deviation is no smaller than it may be. They go as others come. */
  #restart(intervalMs: Ms): void {
    this.#lateSumMs = 0;
    this.#lateCount = 0;
    this.#window.clear();
    this.#window.add(intervalMs * 0.75);
    this.#window.add(intervalMs * 1.25);
    this.#learn();
  }

  #learn(): void {
    const { acceptablePauseMs, minDeviationMs } = this.#settings;
    this.#patienceMs = this.#window.mean + acceptablePauseMs;
    this.#deviationMs = Math.max(this.#window.deviation, minDeviationMs);
  }
}
