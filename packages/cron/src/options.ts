/**
 * Options of jobs: their defaults, and the checks before anything is sent.
 *
 * A process's options are its own. What the fleet shares is the record; where two versions of a
 * service disagree about a policy, each tick is judged by whoever comes first.
 */
import {
  boundedString,
  checkName,
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positive,
  positiveInteger,
  ttl,
} from "@quorate/core";
import { DEFAULT_LOCK_TTL_MS, MIN_LOCK_TTL_MS } from "@quorate/lock";
import type { Schedule } from "./schedule.ts";

/** Most runs that a job's record remembers. */
export const MAX_HISTORY = 500;
const MAX_MISSED = 1_000;
const MAX_QUEUE = 100;
const MIN_GRACE_MS = 5_000;
const MAX_GRACE_MS = 60_000;
const MAX_LABEL_BYTES = 128;

/** What becomes of ticks that nobody was there for. */
export type MissedPolicy = "skip" | "once" | "all";
/** What becomes of a tick that comes while the run before is under way. */
export type OverlapPolicy = "skip" | "queue" | "allow";
/** What becomes of a run whose process died. */
export type CrashPolicy = "retry" | "skip";

/** Options of one job. */
export interface JobOptions {
  /** IANA zone in which the expression is read. Name it: machines differ. @default "UTC" */
  readonly timeZone?: string;
  /**
   * Ticks that are found later than `graceMs`: declared missed, or the latest run once, or each run
   * in order, at most `missedLimit` of them. @default "skip"
   */
  readonly missed?: MissedPolicy;
  /**
   * A tick while a run is under way: declared skipped, or run after it (`queueLimit` of them), or
   * run beside it (100 at a time). @default "skip"
   */
  readonly overlap?: OverlapPolicy;
  /**
   * A run whose process died: again by another, same key, greater token; or not.
   * @default "retry"
   */
  readonly onCrash?: CrashPolicy;
  /** Tries of one tick, the first included, before a crash is final: poison is not passed on for
   * ever. @default 3 */
  readonly attempts?: number;
  /** Wait at random up to this between claim and run. The tick stays the same. @default 0 */
  readonly jitterMs?: Ms;
  /** Tell a run to stop after this long, and record it as timed out. @default no bound */
  readonly timeoutMs?: Ms;
  /** How late a tick may be found and still run as usual. @default half the time to the next tick,
   * at least 5000, at most 60000 */
  readonly graceMs?: Ms;
  /** Ticks that wait under `overlap: "queue"`, 1 to 100. @default 1 */
  readonly queueLimit?: number;
  /** Ticks caught up under `missed: "all"`, the newest, 1 to 1000. @default 100 */
  readonly missedLimit?: number;
  /** Runs that the record remembers, 1 to 500. @default 50 */
  readonly historyLimit?: number;
}

/** Options of `createCron`: who this process is, and what its jobs have in common. */
export interface CronOptions extends JobOptions {
  /** What people should call this process in the history, such as the pod's name.
   * @default a random id */
  readonly name?: string;
  /** Keeps services apart that share a namespace: part of every record's key. @default none */
  readonly prefix?: string;
  /** How long after a crash its runs are noticed, at least 100. @default 15000 */
  readonly leaseMs?: Ms;
}

/** A job's options with every default filled in, but for the grace, which needs the schedule. */
export interface CheckedJobOptions {
  readonly timeZone: string;
  readonly missed: MissedPolicy;
  readonly overlap: OverlapPolicy;
  readonly onCrash: CrashPolicy;
  readonly attempts: number;
  readonly jitterMs: Ms;
  readonly timeoutMs: Ms | undefined;
  readonly graceMs: Ms | undefined;
  readonly queueLimit: number;
  readonly missedLimit: number;
  readonly historyLimit: number;
}

/** What the machine decides by. */
export interface CheckedPolicy extends Omit<CheckedJobOptions, "timeZone" | "graceMs"> {
  readonly graceMs: Ms;
  /** Who knows when a tick is due: the schedule, or somebody who calls. */
  readonly ticks: "scheduled" | "called";
}

/** What is common to all jobs of one `Cron`, checked. */
export interface CheckedCronOptions {
  readonly name: string | undefined;
  readonly collection: string;
  readonly leaseMs: Ms;
  readonly defaults: CheckedJobOptions;
}

const JOB_NAMES = [
  "timeZone",
  "missed",
  "overlap",
  "onCrash",
  "attempts",
  "jitterMs",
  "timeoutMs",
  "graceMs",
  "queueLimit",
  "missedLimit",
  "historyLimit",
] as const;

const STANDARD: CheckedJobOptions = {
  timeZone: "UTC",
  missed: "skip",
  overlap: "skip",
  onCrash: "retry",
  attempts: 3,
  jitterMs: 0,
  timeoutMs: undefined,
  graceMs: undefined,
  queueLimit: 1,
  missedLimit: 100,
  historyLimit: 50,
};

/** The options of `createCron`, checked. @throws INVALID_ARGUMENT */
export function checkCronOptions(options: CronOptions = {}): CheckedCronOptions {
  knownOptions("options", options, [...JOB_NAMES, "name", "prefix", "leaseMs"]);
  const { name, prefix, leaseMs = DEFAULT_LOCK_TTL_MS } = options;
  if (prefix !== undefined) checkName("prefix", prefix);
  return {
    name: name === undefined ? undefined : boundedString("name", name, MAX_LABEL_BYTES),
    collection: prefix === undefined ? "cron" : `cron/${prefix}`,
    leaseMs: ttl("leaseMs", leaseMs, MIN_LOCK_TTL_MS),
    defaults: merge(options, STANDARD),
  };
}

/** The options of one job, checked. @throws INVALID_ARGUMENT */
export function checkJobOptions(
  options: JobOptions | undefined,
  defaults: CheckedJobOptions,
): CheckedJobOptions {
  if (options === undefined) return defaults;
  return merge(knownOptions("options", options, JOB_NAMES), defaults);
}

/** A job's name: one segment, as it is the last part of its record's key. */
export function checkJobName(name: string): string {
  checkName("name", name);
  if (!name.includes("/")) return name;
  throw invalidArgument("name", name, "one segment, without '/'");
}

/** The policy of a job with `schedule`, from `nowMs` on. */
export function policyOf(
  options: CheckedJobOptions,
  schedule: Schedule,
  nowMs: Ms,
  ticks: CheckedPolicy["ticks"] = "scheduled",
): CheckedPolicy {
  const { graceMs = graceOf(schedule, nowMs) } = options;
  return { ...options, graceMs, ticks };
}

function graceOf(schedule: Schedule, nowMs: Ms): Ms {
  const nextMs = schedule.next(nowMs);
  const afterMs = nextMs === undefined ? undefined : schedule.next(nextMs);
  const gapMs = nextMs === undefined || afterMs === undefined ? Infinity : afterMs - nextMs;
  return Math.min(MAX_GRACE_MS, Math.max(MIN_GRACE_MS, gapMs / 2));
}

function merge(options: JobOptions, defaults: CheckedJobOptions): CheckedJobOptions {
  const { timeoutMs = defaults.timeoutMs, graceMs = defaults.graceMs } = options;
  return {
    // Checked together with the expression that is read in it.
    timeZone: options.timeZone ?? defaults.timeZone,
    missed: oneOf("missed", options.missed ?? defaults.missed, ["skip", "once", "all"]),
    overlap: oneOf("overlap", options.overlap ?? defaults.overlap, ["skip", "queue", "allow"]),
    onCrash: oneOf("onCrash", options.onCrash ?? defaults.onCrash, ["retry", "skip"]),
    attempts: positiveInteger("attempts", options.attempts ?? defaults.attempts),
    jitterMs: nonNegative("jitterMs", options.jitterMs ?? defaults.jitterMs),
    timeoutMs: timeoutMs === undefined ? undefined : positive("timeoutMs", timeoutMs),
    graceMs: graceMs === undefined ? undefined : nonNegative("graceMs", graceMs),
    queueLimit: count("queueLimit", options.queueLimit ?? defaults.queueLimit, MAX_QUEUE),
    missedLimit: count("missedLimit", options.missedLimit ?? defaults.missedLimit, MAX_MISSED),
    historyLimit: count("historyLimit", options.historyLimit ?? defaults.historyLimit, MAX_HISTORY),
  };
}

function count(option: string, value: number, most: number): number {
  return inRange(option, positiveInteger(option, value), 1, most);
}

function oneOf<T extends string>(option: string, value: T, known: readonly T[]): T {
  if (known.includes(value)) return value;
  throw invalidArgument(option, value, known.join(" or "));
}
