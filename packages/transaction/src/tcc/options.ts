/**
 * Options of TCC, checked once.
 */
import {
  boundedString,
  checkName,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positive,
  positiveInteger,
  ttl,
} from "@quorate/core";

import { checkInstanceId } from "../kernel/instance-id.ts";
import type { Worker } from "../kernel/worker.ts";

/** Options of `createTcc`. */
export interface TccOptions {
  /** Time of a transaction until its decision; longer, and it is cancelled. @default 30000 */
  readonly deadlineMs?: Ms;
  /** How long `run` waits, once it is decided, for all to carry it out. @default 5000 */
  readonly settleMs?: Ms;
  /** Bound of each call of a participant. @default 10000 */
  readonly callTimeoutMs?: Ms;
  /** Calls of one try, the first included, while its outcome stays unknown. @default 3 */
  readonly tryAttempts?: number;
  /** First pause before a participant is asked again; each next one doubles. @default 100 */
  readonly retryMs?: Ms;
  /** Longest pause before a participant is asked again. @default 5000 */
  readonly maxRetryMs?: Ms;
  /** Failed confirms or cancels of a branch after which somebody should look. @default 10 */
  readonly stuckAfter?: number;
  /**
   * Takeovers without progress after which a decided transaction is left alone until `retry`: it
   * may kill its workers.
   *
   * @default 5
   */
  readonly maxTakeovers?: number;
  /**
   * How far wall clocks may lie apart: by so much later is a deadline over for others.
   *
   * @default 5000
   */
  readonly skewMs?: Ms;
  /** How long the record of an ended transaction is kept. @default 604800000, a week */
  readonly retentionMs?: Ms;
  /** The worker that drives and recovers; shared with sagas and 2PC. @default one of its own */
  readonly worker?: Worker;
  /** Lease of its own worker: how long a crash stays unnoticed. @default as `createWorker` */
  readonly leaseMs?: Ms;
}

/** All of them, checked. */
export type TccSettings = Required<Omit<TccOptions, "worker" | "leaseMs">>;

/** What names one transaction. */
export interface TccRunOptions {
  /** Business id, at most 128 bytes: the same id is the same transaction. */
  readonly id: string;
  /** @default that of `createTcc` */
  readonly deadlineMs?: Ms;
  /** Cancels the transaction, as long as it is not decided. */
  readonly signal?: AbortSignal | undefined;
}

/** Who does it by hand, and why: for the audit. */
export interface ByHand {
  /** 1 to 128 bytes. */
  readonly by: string;
  /** 1 to 256 bytes. */
  readonly why: string;
}

const NAMES = [
  "deadlineMs",
  "settleMs",
  "callTimeoutMs",
  "tryAttempts",
  "retryMs",
  "maxRetryMs",
  "stuckAfter",
  "maxTakeovers",
  "skewMs",
  "retentionMs",
  "worker",
  "leaseMs",
] as const;
const A_WEEK_MS = 604_800_000;

/** The options with their defaults. @throws INVALID_ARGUMENT */
export function settingsOf(options: TccOptions): TccSettings {
  knownOptions("options", options, NAMES);
  return {
    deadlineMs: positive("deadlineMs", options.deadlineMs ?? 30_000),
    settleMs: nonNegative("settleMs", options.settleMs ?? 5_000),
    callTimeoutMs: positive("callTimeoutMs", options.callTimeoutMs ?? 10_000),
    tryAttempts: positiveInteger("tryAttempts", options.tryAttempts ?? 3),
    retryMs: positive("retryMs", options.retryMs ?? 100),
    maxRetryMs: positive("maxRetryMs", options.maxRetryMs ?? 5_000),
    stuckAfter: positiveInteger("stuckAfter", options.stuckAfter ?? 10),
    maxTakeovers: positiveInteger("maxTakeovers", options.maxTakeovers ?? 5),
    skewMs: nonNegative("skewMs", options.skewMs ?? 5_000),
    retentionMs: ttl("retentionMs", options.retentionMs ?? A_WEEK_MS, 1_000),
  };
}

/** One run's options, checked. */
export interface CheckedRun {
  readonly id: string;
  readonly deadlineMs: Ms;
  readonly signal: AbortSignal | undefined;
}

/** Checks the options of `run`. @throws INVALID_ARGUMENT, TOO_LARGE */
export function checkRun(options: TccRunOptions, settings: TccSettings): CheckedRun {
  knownOptions("options", options, ["id", "deadlineMs", "signal"]);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument("signal", signal, "an AbortSignal");
  }
  const deadlineMs = positive("deadlineMs", options.deadlineMs ?? settings.deadlineMs);
  return { id: checkId(options.id), deadlineMs, signal };
}

/** `id` if it can name a transaction, in the store and in the keys of its branches. */
export function checkId(id: string): string {
  return checkName("id", checkInstanceId("id", id));
}

/** `value` if it is one segment of a name: a transaction's, a participant's, a branch's. */
export function checkPart(option: string, value: string): string {
  checkName(option, value);
  if (value.includes("/")) throw invalidArgument(option, value, "one segment, without '/'");
  return value;
}

/** Checks who and why. @throws INVALID_ARGUMENT */
export function checkByHand(hand: ByHand): ByHand {
  knownOptions("options", hand, ["by", "why"]);
  return { by: boundedString("by", hand.by, 128), why: boundedString("why", hand.why, 256) };
}
