/**
 * Options of a breaker, checked once and turned into plain numbers.
 *
 * Nothing of what the caller passed is kept, so two breakers made from one object share nothing.
 */
import {
  boundedString,
  callable,
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positive,
  positiveInteger,
  type Runtime,
} from "@quorate/core";

import type { Classify } from "./classify.ts";
import type { JoinFleet } from "./fleet.ts";
import { duration } from "./duration.ts";
import { CountWindow, type OutcomeWindow, TimeWindow } from "./window.ts";

/** Which calls a breaker looks at: those of the last time, or the last so many. */
export type BreakerWindow =
  | {
      /** Time that is looked back on. @default 10_000 */
      readonly lastMs?: Ms | undefined;
      /** Steps in which calls are forgotten, 1 to 100. @default 10 */
      readonly buckets?: number | undefined;
    }
  | {
      /** Calls that are looked back on, however long ago they were; at most 10_000. */
      readonly lastCalls: number;
    };

/** What opens a breaker. Each condition by itself is enough. */
export interface BreakerTrip {
  /** Calls in the window below which no rate opens it. @default 20, or `lastCalls` if less */
  readonly minCalls?: number | undefined;
  /** Share of faults from which on it opens, above 0 up to 1; Infinity: never. @default 0.5 */
  readonly faultRate?: number | undefined;
  /** Faults without a success between them that open it, whatever the volume. @default Infinity */
  readonly consecutive?: number | undefined;
  /** A call that takes this long or longer is slow; Infinity: none is. @default Infinity */
  readonly slowOverMs?: Ms | undefined;
  /** Share of slow calls from which on it opens, above 0 up to 1. @default 0.8 */
  readonly slowRate?: number | undefined;
}

/** How long it stays open. */
export interface BreakerReset {
  /** Longest time before the first probe; Infinity: until `reset()`. @default 2_000 */
  readonly afterMs?: Ms | undefined;
  /** The time doubles when it opens again before a ramp was over, up to this. @default 60_000 */
  readonly maxMs?: Ms | undefined;
  /** Part of the time, 0 to 1, drawn by lot: callers must not probe in step. @default 0.5 */
  readonly jitter?: number | undefined;
}

/** The calls that find out whether the dependency is back. */
export interface BreakerProbes {
  /** Calls let through while half-open; all others are rejected at once. @default 3 */
  readonly count?: number | undefined;
  /** How many of them must succeed for it to close. @default more than half of `count` */
  readonly passes?: number | undefined;
  /** A probe that has not ended by then has failed. @default 10_000 */
  readonly timeoutMs?: Ms | undefined;
}

/** Options of `breaker`. */
export interface BreakerOptions {
  /** Name in errors, events and metrics; also the name in the fleet. @default "breaker" */
  readonly name?: string | undefined;
  /** Which calls count. @default the last 10 seconds */
  readonly window?: BreakerWindow | undefined;
  /** What opens it. @default half of at least 20 calls */
  readonly trip?: BreakerTrip | undefined;
  /** How long it stays open. @default 2 s, doubling up to a minute, half of it drawn by lot */
  readonly reset?: BreakerReset | undefined;
  /** How it finds out. @default 3 probes, 2 of which must succeed */
  readonly probes?: BreakerProbes | undefined;
  /** Time over which calls come back after it closed, 10 to 100 %; 0: at once. @default 1_000 */
  readonly rampMs?: Ms | undefined;
  /** Judges outcomes, but for rejections and cancels: they never count. @default classifyError */
  readonly classify?: Classify | undefined;
  /** Shares what it learns with the same breaker of other processes: `sharedThrough(backend)`. */
  readonly share?: JoinFleet | undefined;
  /** Where time, chance and events come from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/** Checked `trip`. */
export type TripSettings = Required<{ [K in keyof BreakerTrip]: number }>;
/** Checked `reset`. */
export type ResetSettings = Required<{ [K in keyof BreakerReset]: number }>;
/** Checked `probes`. */
export type ProbeSettings = Required<{ [K in keyof BreakerProbes]: number }>;

/** Checked options, as the machine uses them. Objects of defaults are shared: they never change. */
export interface BreakerSettings {
  readonly trip: TripSettings;
  readonly reset: ResetSettings;
  readonly probes: ProbeSettings;
  readonly rampMs: Ms;
}

const OPTION_NAMES = [
  "name",
  "window",
  "trip",
  "reset",
  "probes",
  "rampMs",
  "classify",
  "share",
  "runtime",
] as const;
const TRIP_NAMES = ["minCalls", "faultRate", "consecutive", "slowOverMs", "slowRate"] as const;
const DEFAULTS: BreakerSettings = {
  trip: {
    minCalls: 20,
    faultRate: 0.5,
    consecutive: Infinity,
    slowOverMs: Infinity,
    slowRate: 0.8,
  },
  reset: { afterMs: 2_000, maxMs: 60_000, jitter: 0.5 },
  probes: { count: 3, passes: 2, timeoutMs: 10_000 },
  rampMs: 1_000,
};
const MOST_CALLS = 10_000;
const MOST_BUCKETS = 100;
const MAX_NAME_BYTES = 256;

/** The window and the settings that `options` ask for. */
export function readOptions(options: BreakerOptions): {
  readonly window: OutcomeWindow;
  readonly settings: BreakerSettings;
} {
  knownOptions("breaker", options, OPTION_NAMES);
  if (options.name !== undefined) boundedString("name", options.name, MAX_NAME_BYTES);
  else if (options.share !== undefined) {
    throw invalidArgument("name", undefined, "given: the fleet knows the breaker by it");
  }
  if (options.classify !== undefined) callable("classify", options.classify);
  if (options.share !== undefined) callable("share", options.share);
  const lastCalls = readLastCalls(options.window);
  const trip = readTrip(options.trip, lastCalls);
  const reset = readReset(options.reset);
  const probes = readProbes(options.probes);
  const rampMs = nonNegative("rampMs", options.rampMs ?? 1_000);
  const isDefault =
    trip === DEFAULTS.trip &&
    reset === DEFAULTS.reset &&
    probes === DEFAULTS.probes &&
    rampMs === DEFAULTS.rampMs;
  return {
    window: makeWindow(options.window, lastCalls, trip.slowOverMs < Infinity),
    settings: isDefault ? DEFAULTS : { trip, reset, probes, rampMs },
  };
}

/** Infinity: the window is one by time. */
function readLastCalls(window: BreakerWindow | undefined): number {
  if (window === undefined || !("lastCalls" in window)) return Infinity;
  knownOptions("window", window, ["lastCalls"]);
  positiveInteger("window.lastCalls", window.lastCalls);
  return inRange("window.lastCalls", window.lastCalls, 1, MOST_CALLS);
}

function makeWindow(
  window: BreakerWindow | undefined,
  lastCalls: number,
  countsSlow: boolean,
): OutcomeWindow {
  if (lastCalls < Infinity) return new CountWindow(lastCalls);
  const options = (window ?? {}) as Exclude<BreakerWindow, { lastCalls: number }>;
  knownOptions("window", options, ["lastMs", "buckets"]);
  const lastMs = positive("window.lastMs", options.lastMs ?? 10_000);
  const buckets = positiveInteger("window.buckets", options.buckets ?? 10);
  inRange("window.buckets", buckets, 1, MOST_BUCKETS);
  return new TimeWindow(lastMs, buckets, countsSlow);
}

function readTrip(trip: BreakerTrip | undefined, lastCalls: number): TripSettings {
  const fewCalls = Math.min(20, lastCalls);
  if (trip === undefined && fewCalls === DEFAULTS.trip.minCalls) return DEFAULTS.trip;
  const given = knownOptions("trip", trip ?? {}, TRIP_NAMES);
  const minCalls = positiveInteger("trip.minCalls", given.minCalls ?? fewCalls);
  if (minCalls > lastCalls) {
    throw invalidArgument("trip.minCalls", minCalls, `at most window.lastCalls (${lastCalls})`);
  }
  const { trip: defaults } = DEFAULTS;
  return {
    minCalls,
    faultRate: rate("trip.faultRate", given.faultRate ?? defaults.faultRate),
    consecutive: countOrNever("trip.consecutive", given.consecutive ?? defaults.consecutive),
    slowOverMs: duration("trip.slowOverMs", given.slowOverMs ?? defaults.slowOverMs),
    slowRate: rate("trip.slowRate", given.slowRate ?? defaults.slowRate),
  };
}

function readReset(reset: BreakerReset | undefined): ResetSettings {
  const { reset: defaults } = DEFAULTS;
  if (reset === undefined) return defaults;
  knownOptions("reset", reset, ["afterMs", "maxMs", "jitter"]);
  const afterMs = duration("reset.afterMs", reset.afterMs ?? defaults.afterMs);
  const maxMs = duration("reset.maxMs", reset.maxMs ?? Math.max(defaults.maxMs, afterMs));
  if (maxMs < afterMs) {
    throw invalidArgument("reset.maxMs", maxMs, `at least reset.afterMs (${afterMs})`);
  }
  return { afterMs, maxMs, jitter: inRange("reset.jitter", reset.jitter ?? defaults.jitter, 0, 1) };
}

function readProbes(probes: BreakerProbes | undefined): ProbeSettings {
  const { probes: defaults } = DEFAULTS;
  if (probes === undefined) return defaults;
  knownOptions("probes", probes, ["count", "passes", "timeoutMs"]);
  const count = positiveInteger("probes.count", probes.count ?? defaults.count);
  const passes = positiveInteger("probes.passes", probes.passes ?? Math.floor(count / 2) + 1);
  if (passes > count)
    throw invalidArgument("probes.passes", passes, `at most probes.count (${count})`);
  const timeoutMs = duration("probes.timeoutMs", probes.timeoutMs ?? defaults.timeoutMs);
  return { count, passes, timeoutMs };
}

/** A share that opens, or never. */
function rate(option: string, value: number): number {
  if (typeof value === "number" && ((value > 0 && value <= 1) || value === Infinity)) return value;
  throw invalidArgument(option, value, "a share above 0 up to 1, or Infinity for never");
}

function countOrNever(option: string, value: number): number {
  return value === Infinity ? value : positiveInteger(option, value);
}
