/**
 * Settings of a shared breaker, checked once.
 */
import {
  boundedString,
  checkName,
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  ttl,
} from "@quorate/core";

import type { Limits } from "./evidence.ts";
import { MAX_DURATION_MS } from "./record.ts";

/** Options of `sharedThrough`. */
export interface SharedOptions {
  /** Name of the fleet, one segment. @default the breaker's name */
  readonly name?: string;
  /**
   * Who this is, 1 to 64 bytes: unique among the instances that live, and the same when the process
   * is started again, such as the name of its pod. Without one, a sick process that crashes and
   * starts again may be counted twice for `6 × publishMs`. @default a random name
   */
  readonly instance?: string;
  /** Share of the instances with calls that must see it themselves, 0 to 1. @default 0.5 */
  readonly quorumShare?: number;
  /** Least instances that must see it themselves, 2 to 1000. @default 2 */
  readonly minInstances?: number;
  /** Least calls in all windows together. @default 20 */
  readonly minCalls?: number;
  /** Share of faults from which on it opens, above 0 up to 1; Infinity: never. @default 0.5 */
  readonly faultRate?: number;
  /** The same for slow calls, as the breaker judges them. @default Infinity */
  readonly slowRate?: number;
  /** An instance with trouble says so at most this often. @default 1000 */
  readonly publishMs?: Ms;
  /** Time from opening to the first probe. @default 5000 */
  readonly resetMs?: Ms;
  /** It doubles with each opening in a row, up to this. @default 60_000, at least `resetMs` */
  readonly maxResetMs?: Ms;
  /** How long an instance may take to find out; longer than its probes. @default 15_000 */
  readonly probeLeaseMs?: Ms;
  /** Time over which calls come back. @default 10_000 */
  readonly rampMs?: Ms;
  /** Instances that one instance keeps count of; others are not heard. @default 1000 */
  readonly maxInstances?: number;
}

/** Checked settings. */
export interface Settings extends Limits {
  readonly name: string | undefined;
  readonly instance: string | undefined;
  readonly publishMs: Ms;
  readonly resetMs: Ms;
  readonly maxResetMs: Ms;
  readonly probeLeaseMs: Ms;
  readonly rampMs: Ms;
  readonly maxInstances: number;
}

const NAMES = [
  "name",
  "instance",
  "quorumShare",
  "minInstances",
  "minCalls",
  "faultRate",
  "slowRate",
  "publishMs",
  "resetMs",
  "maxResetMs",
  "probeLeaseMs",
  "rampMs",
  "maxInstances",
] as const;

const MAX_INSTANCE_BYTES = 64;
/** A summary that nobody renews ends after so many publishing periods. */
const TTL_PERIODS = 6;
/** Longer, and an instance that died would be counted for too long. */
const MAX_PUBLISH_MS = 60_000;

/** How long a summary lasts in the store. */
export function summaryTtlMs(publishMs: Ms): Ms {
  return publishMs * TTL_PERIODS;
}

/** Checks `options`; `minTtlMs`: the shortest that the store takes. */
export function readSettings(options: SharedOptions, minTtlMs: Ms): Settings {
  knownOptions("sharedThrough", options, NAMES);
  const { name, instance } = options;
  const publishMs = positive("publishMs", options.publishMs ?? 1_000);
  const resetMs = positive("resetMs", options.resetMs ?? 5_000);
  const maxResetMs = positive("maxResetMs", options.maxResetMs ?? Math.max(60_000, resetMs));
  if (maxResetMs < resetMs) {
    throw invalidArgument("maxResetMs", maxResetMs, `at least resetMs (${resetMs})`);
  }
  const minInstances = positiveInteger("minInstances", options.minInstances ?? 2);
  return {
    name: name === undefined ? undefined : fleetName(name),
    instance: instance === undefined ? undefined : instanceName(instance),
    quorumShare: inRange("quorumShare", options.quorumShare ?? 0.5, 0, 1),
    // One instance alone is what its own breaker is for.
    minInstances: inRange("minInstances", minInstances, 2, 1_000),
    minCalls: positiveInteger("minCalls", options.minCalls ?? 20),
    faultRate: rate("faultRate", options.faultRate ?? 0.5),
    slowRate: rate("slowRate", options.slowRate ?? Infinity),
    publishMs: inRange("publishMs", publishMs, minTtlMs / TTL_PERIODS, MAX_PUBLISH_MS),
    resetMs,
    maxResetMs: inRange("maxResetMs", maxResetMs, 0, MAX_DURATION_MS),
    probeLeaseMs: bounded("probeLeaseMs", options.probeLeaseMs ?? 15_000, minTtlMs),
    rampMs: bounded("rampMs", options.rampMs ?? 10_000, 1),
    maxInstances: positiveInteger("maxInstances", options.maxInstances ?? 1_000),
  };
}

/** `name` if it can be a fleet's. */
export function fleetName(name: string): string {
  if (!checkName("name", name).includes("/")) return name;
  throw invalidArgument("name", name, "one segment, free of '/'; give sharedThrough a name");
}

function instanceName(instance: string): string {
  boundedString("instance", instance, MAX_INSTANCE_BYTES);
  if (!checkName("instance", instance).includes("/")) return instance;
  throw invalidArgument("instance", instance, "one segment, free of '/'");
}

function bounded(option: string, value: Ms, minMs: Ms): Ms {
  return inRange(option, ttl(option, value, minMs), minMs, MAX_DURATION_MS);
}

function rate(option: string, value: number): number {
  if (typeof value === "number" && ((value > 0 && value <= 1) || value === Infinity)) return value;
  throw invalidArgument(option, value, "a share above 0 up to 1, or Infinity for never");
}
