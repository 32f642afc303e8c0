/**
 * The barrier's options, checked.
 */
import {
  checkName,
  invalidArgument,
  inRange,
  knownOptions,
  type Ms,
  nonNegative,
  ttl,
} from "@quorate/core";

/** Options of `createBarrier`. */
export interface BarrierOptions {
  /** Collection of its records. @default "barriers" */
  readonly name?: string;
  /**
   * How long a branch is remembered after its last write. At least the longest life of a message to
   * this participant: a try that comes after its tombstone has gone is not refused. @default 7 days
   */
  readonly retentionMs?: Ms;
  /** How long one run of work may take before another call takes it over. @default 30000 */
  readonly leaseMs?: Ms;
  /** Longest wait for another call's run. @default 60000 */
  readonly waitMs?: Ms;
  /** Largest answer, as JSON text. @default 8192 */
  readonly maxResultBytes?: number;
}

/** Options of one call. */
export interface PassOptions {
  /** Longest run of this work. @default the barrier's */
  readonly leaseMs?: Ms | undefined;
  /** Ends the wait for another call, and aborts the signal of the work. */
  readonly signal?: AbortSignal | undefined;
}

/** All defaults filled in. */
export type CheckedOptions = Required<BarrierOptions>;

/** One call's options, checked. */
export interface CheckedPass {
  readonly leaseMs: Ms;
  readonly signal: AbortSignal | undefined;
}

/** How long a branch is remembered where nothing else is said: 7 days. */
export const DEFAULT_RETENTION_MS = 604_800_000;
/** Largest answer where nothing else is said. */
export const DEFAULT_RESULT_BYTES = 8_192;
const DEFAULT_LEASE_MS = 30_000;
const DEFAULT_WAIT_MS = 60_000;
const NAMES = ["name", "retentionMs", "leaseMs", "waitMs", "maxResultBytes"] as const;

/** Checks the options of `createBarrier`. @throws INVALID_ARGUMENT */
export function checkOptions(options: BarrierOptions): CheckedOptions {
  knownOptions("options", options, NAMES);
  const name = checkName("name", options.name ?? "barriers");
  if (name.includes("/")) throw invalidArgument("name", name, "one segment, without '/'");
  const retentionMs = ttl("retentionMs", options.retentionMs ?? DEFAULT_RETENTION_MS, 1_000);
  const leaseMs = ttl("leaseMs", options.leaseMs ?? DEFAULT_LEASE_MS, 10);
  checkLease(leaseMs, retentionMs);
  return {
    name,
    retentionMs,
    leaseMs,
    waitMs: nonNegative("waitMs", options.waitMs ?? DEFAULT_WAIT_MS),
    maxResultBytes: inRange(
      "maxResultBytes",
      options.maxResultBytes ?? DEFAULT_RESULT_BYTES,
      16,
      262_144,
    ),
  };
}

/** Checks the options of one call. @throws INVALID_ARGUMENT */
export function checkPass(options: PassOptions, defaults: CheckedOptions): CheckedPass {
  knownOptions("options", options, ["leaseMs", "signal"]);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument("signal", signal, "an AbortSignal");
  }
  const leaseMs = ttl("leaseMs", options.leaseMs ?? defaults.leaseMs, 10);
  return { leaseMs: checkLease(leaseMs, defaults.retentionMs), signal };
}

function checkLease(leaseMs: Ms, retentionMs: Ms): Ms {
  if (leaseMs <= retentionMs) return leaseMs;
  throw invalidArgument("leaseMs", leaseMs, `at most retentionMs (${retentionMs})`);
}
