/**
 * A clock that is set by estimates, never goes back, and always says how wrong it may be.
 *
 * We cannot set the operating system's clock, and should not: others read it too. This one runs on
 * the monotonic clock. An estimate says what time it is; the clock slews towards it, running at
 * most `slewPpm` faster or slower, so that lengths measured with it stay right to 0.05 %. Only
 * forwards, and only if it is behind by more than `stepForwardMs`, does it step.
 *
 * `errorBoundMs` is the point of it: two events whose intervals do not meet are ordered for sure,
 * and a deadline that is over by more than the bound is over everywhere. It counts the estimate's
 * own bound, the distance still to slew, the drift since, and any sleep of the machine.
 *
 * Guarantees: `nowMs` never falls; true time is within the bound as long as the estimates were
 * right and our clocks keep to `driftPpm`. Before the first estimate the bound is `Infinity`.
 * Does not guarantee a small bound: without new estimates it grows by `driftPpm` for ever.
 *
 * The bound as part of the answer: Corbett et al., "Spanner: Google's Globally-Distributed
 * Database", OSDI 2012 (TrueTime). Slewing: RFC 5905, section 12.
 */
import {
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  systemRuntime,
  type Time,
} from "@quorate/core";
import {
  type BoundedTime,
  checkDriftPpm,
  checkReading,
  elapsedBetween,
  type Reading,
  readClocks,
  ROUNDING_MS,
} from "./reading.ts";

/** Options of `SyncedClock`. */
export interface SyncedClockOptions {
  /** Where the local clocks are read. @default systemRuntime */
  readonly runtime?: { readonly time: Pick<Time, "monotonicMs" | "wallMs"> };
  /** How much faster or slower than its base it may run to catch up, in ppm. @default 500 */
  readonly slewPpm?: number;
  /** How far our clocks may drift from true time, in parts per million. @default 200 */
  readonly driftPpm?: number;
  /** Behind by more than this it steps forward at once; `Infinity`: never. @default 128 */
  readonly stepForwardMs?: Ms;
}

/** Since the last estimate: what was shown then, what should have been, and how wrong that was. */
interface Course {
  readonly at: Reading;
  readonly shownMs: Ms;
  readonly targetMs: Ms;
  readonly errorMs: Ms;
}

/**
 * A clock on course to the true time.
 *
 * @example
 * import { SyncedClock } from "@quorate/clock";
 * const clock = new SyncedClock();
 * clock.adjust({ nowMs: 1_767_225_600_000, errorBoundMs: 3 }); // from an estimate
 * const { nowMs, errorBoundMs } = clock.now();
 * const latest = nowMs + errorBoundMs; // true time is not after this
 * console.log(latest > 1_767_225_600_000); // => true
 */
export class SyncedClock {
  readonly #time: Pick<Time, "monotonicMs" | "wallMs">;
  readonly #slew: number;
  readonly #driftPpm: number;
  readonly #stepForwardMs: Ms;
  #course: Course;
  #lastMs: Ms | undefined; // Undefined until somebody has seen a time that must not fall.

  /** @throws INVALID_ARGUMENT an option is not what it must be. */
  constructor(options: SyncedClockOptions = {}) {
    knownOptions("options", options, ["runtime", "slewPpm", "driftPpm", "stepForwardMs"]);
    this.#time = (options.runtime ?? systemRuntime).time;
    this.#slew = inRange("slewPpm", options.slewPpm ?? 500, 0, 100_000) / 1_000_000;
    this.#driftPpm = checkDriftPpm(options.driftPpm);
    this.#stepForwardMs = inRange("stepForwardMs", options.stepForwardMs ?? 128, 0, Infinity);
    const at = readClocks(this.#time);
    this.#course = { at, shownMs: at.wallMs, targetMs: at.wallMs, errorMs: Infinity };
  }

  /** False until the first estimate: the bound is infinite, and the time a guess. */
  get isSynced(): boolean {
    return this.#course.errorMs !== Infinity;
  }

  /** The time, and how wrong it may be. `nowMs` is never below one that was told before. */
  now(): BoundedTime {
    const reading = readClocks(this.#time);
    const nowMs = this.#shownAt(reading);
    this.#lastMs = nowMs;
    return { nowMs, errorBoundMs: this.#boundAt(reading, nowMs) };
  }

  /**
   * Sets course to `time`, which was true as our clocks read `at`.
   *
   * @throws INVALID_ARGUMENT `time` has no finite time and bound; nothing changed.
   */
  adjust(time: BoundedTime, at: Reading = readClocks(this.#time)): void {
    checkReading("at", at);
    if (!Number.isFinite(time.nowMs)) {
      throw invalidArgument("time.nowMs", time.nowMs, "a finite number");
    }
    const errorMs = inRange("time.errorBoundMs", time.errorBoundMs, 0, Number.MAX_VALUE);
    const shownMs = this.#shownAt(at);
    const behindMs = time.nowMs - shownMs;
    // The first estimate may move a clock that nobody has looked at anywhere, and any forward.
    const isFirst = !this.isSynced && (this.#lastMs === undefined || behindMs > 0);
    const steps = isFirst || behindMs > this.#stepForwardMs;
    this.#course = { at, shownMs: steps ? time.nowMs : shownMs, targetMs: time.nowMs, errorMs };
  }

  #shownAt(reading: Reading): Ms {
    const { at, shownMs, targetMs } = this.#course;
    const { awakeMs } = elapsedBetween(at, reading, this.#driftPpm);
    const reachMs = awakeMs * this.#slew;
    const correctionMs = Math.min(reachMs, Math.max(-reachMs, targetMs - shownMs));
    return Math.max(this.#lastMs ?? -Infinity, shownMs + awakeMs + correctionMs);
  }

  #boundAt(reading: Reading, nowMs: Ms): Ms {
    const { at, targetMs, errorMs } = this.#course;
    const { awakeMs, uncertaintyMs } = elapsedBetween(at, reading, this.#driftPpm);
    return Math.abs(targetMs + awakeMs - nowMs) + errorMs + uncertaintyMs + ROUNDING_MS;
  }
}
