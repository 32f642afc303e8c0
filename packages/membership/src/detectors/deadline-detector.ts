/**
 * Heartbeat and timeout: the detector that everybody can compute in their head.
 *
 * A peer is suspect once it has been silent for `timeoutMs`. Learns nothing, so nothing confuses
 * it; in return its patience is the same on a quiet network as on a lossy one.
 *
 * Suspicion is the silence in timeouts: 0.5 is half of the patience. The threshold is 1.
 */
import { invalidArgument, knownOptions, type Ms, positive } from "@quorate/core";
import type { DetectorOptions } from "./detector.ts";
import { checkInterval, DETECTOR_OPTIONS, RhythmDetector } from "./rhythm-detector.ts";
import type { Rhythm } from "./rhythm.ts";

/** Options of `DeadlineDetector`. */
export interface DeadlineDetectorOptions extends DetectorOptions {
  /**
   * Silence that is too long; more than one interval. A lost heartbeat costs one interval of it:
   * with the default three in a row may be lost. @default 4.5 intervals
   */
  readonly timeoutMs?: Ms;
}

const DEFAULT_INTERVALS = 4.5;

/**
 * A failure detector with a fixed timeout.
 *
 * @example
 * import { DeadlineDetector } from "@quorate/membership";
 * const detector = new DeadlineDetector({ intervalMs: 500, timeoutMs: 2_000 });
 * detector.expect("billing-2");
 * detector.heartbeat("billing-2");
 * console.log(detector.status("billing-2")); // => alive
 */
export class DeadlineDetector extends RhythmDetector {
  /** @throws INVALID_ARGUMENT an option is unknown or out of bounds. */
  constructor(options: DeadlineDetectorOptions = {}) {
    knownOptions("options", options, [...DETECTOR_OPTIONS, "timeoutMs"]);
    const intervalMs = checkInterval(options);
    const timeoutMs = positive("timeoutMs", options.timeoutMs ?? DEFAULT_INTERVALS * intervalMs);
    if (timeoutMs <= intervalMs) {
      throw invalidArgument("timeoutMs", timeoutMs, `longer than the interval, ${intervalMs} ms`);
    }
    const rhythm: Rhythm = { beat: () => {}, suspicion: (silentMs) => silentMs / timeoutMs };
    super(options, 1, () => rhythm);
  }
}
