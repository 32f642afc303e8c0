/**
 * Readings of the two local clocks, and how much true time lies between two of them.
 *
 * The monotonic clock cannot be set, but stands still while the machine sleeps; the wall clock goes
 * on, but can be set. Together they bound what has passed: at least what the monotonic clock says,
 * at most what the larger of the two says, both give or take the drift. A wall clock that was set
 * forward looks like a sleep; that costs certainty until the next exchange, never truth.
 *
 * HAZARD: a sleep shorter than what the two clocks drift apart between two exchanges, plus 3 ms,
 * may not be seen; the bound is then up to 2 ms too small. Machines do not sleep that shortly.
 * HAZARD: a sleep, and a wall clock that is set back before the next exchange, hide each other.
 * HAZARD: a virtual machine whose wall clock is paused with it does not know that it was paused.
 */
import { inRange, invalidArgument, type Ms, type Time } from "@quorate/core";

/** Both local clocks at one moment. */
export interface Reading {
  readonly monotonicMs: Ms;
  readonly wallMs: Ms;
}

/** A time and how wrong it may be: true time is within `errorBoundMs` of `nowMs`. */
export interface BoundedTime {
  /** Milliseconds since 1970, with fractions. */
  readonly nowMs: Ms;
  /** Never negative; `Infinity` while nothing is known. */
  readonly errorBoundMs: Ms;
}

/**
 * How much faster or slower than true time a local clock may run, in parts per million. A crystal
 * is within 50 to 100; a time daemon that is correcting adds what it slews by (up to 500).
 */
export const DEFAULT_DRIFT_PPM = 200;

/** Epoch milliseconds are rounded to 2⁻¹² ms; sums of a few of them are this exact. */
export const ROUNDING_MS = 0.002;

/** Wall clocks tell whole milliseconds: a reading is up to this much too low. */
export const RESOLUTION_MS = 1;

/** What passed between two readings, on the monotonic clock, and how far true time may differ. */
interface Elapsed {
  readonly awakeMs: Ms;
  readonly uncertaintyMs: Ms;
}

/** Both clocks now. */
export function readClocks(time: Pick<Time, "monotonicMs" | "wallMs">): Reading {
  return { monotonicMs: time.monotonicMs(), wallMs: time.wallMs() };
}

/** What passed from `from` to `to`. */
export function elapsedBetween(from: Reading, to: Reading, driftPpm: number): Elapsed {
  const awakeMs = Math.max(0, to.monotonicMs - from.monotonicMs);
  const wallMs = to.wallMs - from.wallMs;
  // Less is the rounding to whole milliseconds. A clock gone mad (NaN) is no opinion.
  const hasSlept = wallMs - awakeMs > RESOLUTION_MS;
  const longestMs = hasSlept ? wallMs + RESOLUTION_MS : awakeMs;
  return { awakeMs, uncertaintyMs: longestMs - awakeMs + (longestMs * driftPpm) / 1_000_000 };
}

/** `reading` if both of its clocks are numbers. */
export function checkReading(option: string, reading: Reading): Reading {
  if (typeof reading !== "object" || reading === null) {
    throw invalidArgument(option, reading, "a reading of both clocks");
  }
  for (const name of ["monotonicMs", "wallMs"] as const) {
    if (Number.isFinite(reading[name])) continue;
    throw invalidArgument(`${option}.${name}`, reading[name], "a finite number");
  }
  return reading;
}

/** A drift rate: from 0 to 10 %, in parts per million. */
export function checkDriftPpm(driftPpm: number | undefined): number {
  return inRange("driftPpm", driftPpm ?? DEFAULT_DRIFT_PPM, 0, 100_000);
}
