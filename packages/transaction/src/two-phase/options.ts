/**
 * Options of two-phase commit, checked once.
 */
import { knownOptions, type Ms, positive, ttl } from "@quorate/core";
import type { Worker } from "../kernel/worker.ts";
import { checkSegment, MAX_REALM_NAME_BYTES } from "./branch.ts";

/** Options of `createTwoPhase`. */
export interface TwoPhaseOptions {
  /**
   * Keeps several users of one store apart; a segment of at most 24 bytes. All processes that
   * serve the same participants say the same. @default "default"
   */
  readonly name?: string;
  /** Time of a transaction until its decision: longer, and it aborts. @default 30000 */
  readonly deadlineMs?: Ms;
  /** How long `run` waits, once it is decided, for all to carry it out. @default 5000 */
  readonly settleMs?: Ms;
  /** Bound of each call of a participant. @default 10000 */
  readonly callTimeoutMs?: Ms;
  /** First pause before a participant is asked again; each next one doubles. @default 100 */
  readonly retryMs?: Ms;
  /** Longest pause before a participant is asked again. @default 5000 */
  readonly maxRetryMs?: Ms;
  /** How often prepared branches that nobody carries out are looked for. @default 30000 */
  readonly sweepMs?: Ms;
  /** How long the record of an ended transaction is kept. @default 604800000, a week */
  readonly retentionMs?: Ms;
  /** The worker that drives and recovers; shared with sagas and TCC. @default one of its own */
  readonly worker?: Worker;
  /** Lease of its own worker: how long a crash stays unnoticed. @default as `createWorker` */
  readonly leaseMs?: Ms;
}

/** All of them, checked. */
export interface Settings {
  readonly name: string;
  readonly deadlineMs: Ms;
  readonly settleMs: Ms;
  readonly callTimeoutMs: Ms;
  readonly retryMs: Ms;
  readonly maxRetryMs: Ms;
  readonly sweepMs: Ms;
  readonly retentionMs: Ms;
}

const A_WEEK_MS = 604_800_000;

/** The options with their defaults. @throws INVALID_ARGUMENT, TOO_LARGE */
export function settingsOf(options: TwoPhaseOptions): Settings {
  knownOptions("options", options, [
    "name",
    "deadlineMs",
    "settleMs",
    "callTimeoutMs",
    "retryMs",
    "maxRetryMs",
    "sweepMs",
    "retentionMs",
    "worker",
    "leaseMs",
  ]);
  return {
    name: checkSegment("name", options.name ?? "default", MAX_REALM_NAME_BYTES),
    deadlineMs: positive("deadlineMs", options.deadlineMs ?? 30_000),
    settleMs: positive("settleMs", options.settleMs ?? 5_000),
    callTimeoutMs: positive("callTimeoutMs", options.callTimeoutMs ?? 10_000),
    retryMs: positive("retryMs", options.retryMs ?? 100),
    maxRetryMs: positive("maxRetryMs", options.maxRetryMs ?? 5_000),
    sweepMs: positive("sweepMs", options.sweepMs ?? 30_000),
    retentionMs: ttl("retentionMs", options.retentionMs ?? A_WEEK_MS),
  };
}
