/**
 * How good a detector is: false suspicions a day, and time until a crash is noticed, on scripted
 * traces of heartbeats (Chen, Toueg and Aguilera's two measures of quality of service).
 *
 * Heartbeats leave every second; each takes 5 ms and an exponential delay of 20 ms on average. The
 * observer asks five times a second. Everything comes from a seed.
 */
import { seededRandom } from "@quorate/core/testing";
import type { DetectorOptions, FailureDetector } from "./detector.ts";

/** What the world does to heartbeats. */
export interface Trouble {
  /** Share of them that is lost. */
  readonly lossRate?: number;
  /** Share of them before which the sender stands still, for half a second to one and a half. */
  readonly stallRate?: number;
}

/** What came of it. */
export interface Quality {
  readonly mistakesPerDay: number;
  readonly detectionMs: number;
}

/** The detectors' time. */
class ManualTime {
  nowMs = 0;
  readonly monotonicMs = (): number => this.nowMs;
  readonly wallMs = (): number => this.nowMs;
  readonly setTimer = (): never => {
    throw new Error("detectors set no timers");
  };
}

const INTERVAL_MS = 1_000;
const LOOK_MS = 200;
const DAY_MS = 86_400_000;
/** Each after so many heartbeats, more than most windows hold of the first guess. */
const CRASHES = 20;
const BEATS_BEFORE = 100;

/** Plays `beats` heartbeats, then some crashes. */
export function qualityOf(
  make: (options: DetectorOptions) => FailureDetector,
  trouble: Trouble,
  beats: number,
  seed = 1,
): Quality {
  const time = new ManualTime();
  const detector = make({ runtime: { time }, intervalMs: INTERVAL_MS });
  const arrivals = arrivalsOf(trouble, beats, seed);
  let mistakes = 0;
  for (const { atMs, seq } of arrivals) {
    let isSuspect = false;
    for (; time.nowMs + LOOK_MS < atMs;) {
      time.nowMs += LOOK_MS;
      isSuspect ||= detector.status("peer") === "suspect";
    }
    time.nowMs = Math.max(time.nowMs, atMs);
    if (isSuspect || detector.status("peer") === "suspect") mistakes += 1;
    detector.heartbeat("peer", { seq });
  }
  const mistakesPerDay = (mistakes * DAY_MS) / (beats * INTERVAL_MS);
  return { mistakesPerDay, detectionMs: detectionOf(make, trouble, seed) };
}

/** Mean time from a crash, at any moment between two heartbeats, to the suspicion. */
function detectionOf(
  make: (options: DetectorOptions) => FailureDetector,
  trouble: Trouble,
  seed: number,
): number {
  const random = seededRandom(seed);
  let sumMs = 0;
  for (let crash = 0; crash < CRASHES; crash++) {
    const time = new ManualTime();
    const detector = make({ runtime: { time }, intervalMs: INTERVAL_MS });
    for (const { atMs, seq } of arrivalsOf(trouble, BEATS_BEFORE, seed + crash)) {
      while (time.nowMs + LOOK_MS < atMs) {
        time.nowMs += LOOK_MS;
        detector.status("peer");
      }
      time.nowMs = Math.max(time.nowMs, atMs);
      detector.heartbeat("peer", { seq });
    }
    const crashedMs = (BEATS_BEFORE - 1 + random.next()) * INTERVAL_MS;
    while (detector.status("peer") !== "suspect") time.nowMs += 10;
    sumMs += Math.max(0, time.nowMs - crashedMs);
  }
  return sumMs / CRASHES;
}

/** Heartbeats in the order in which they arrive. */
function arrivalsOf(
  { lossRate = 0, stallRate = 0 }: Trouble,
  beats: number,
  seed: number,
): { readonly atMs: number; readonly seq: number }[] {
  const random = seededRandom(seed);
  const arrivals = [];
  let stalledUntilMs = 0;
  for (let seq = 0; seq < beats; seq++) {
    const dueMs = seq * INTERVAL_MS;
    if (random.next() < stallRate) stalledUntilMs = dueMs + 500 + 1_000 * random.next();
    const sentMs = Math.max(dueMs, stalledUntilMs);
    const delayMs = 5 - 20 * Math.log(1 - random.next());
    if (random.next() >= lossRate) arrivals.push({ atMs: sentMs + delayMs, seq });
  }
  return arrivals.sort((left, right) => left.atMs - right.atMs);
}
