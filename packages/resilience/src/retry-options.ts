/**
 * Options of a retry, checked once, and what a retry tells of itself.
 */
import {
  boolean,
  boundedString,
  callable,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positiveInteger,
  type Runtime,
  systemRuntime,
} from "@quorate/core";

import { backoff, type Backoff } from "./backoff.ts";
import type { RetryBudget } from "./budget.ts";
import type { Call } from "./call.ts";
import { retryBudget } from "./retry-budget.ts";

/** Options of `retry`. */
export interface RetryOptions {
  /** Attempts at most, the first included; Infinity: until the deadline. @default 3 */
  readonly attempts?: number | undefined;
  /** The pause before each further attempt. @default backoff.full(): up to 50 ms, 100 ms, … 2 s */
  readonly backoff?: Backoff | undefined;
  /** An error that asks for a longer pause than this is final. @default 60_000 */
  readonly maxRetryAfterMs?: Ms | undefined;
  /**
   * Judges an error before the rule of `repeatable`: true: repeat, false: do not; undefined: as
   * the rule says. True also repeats what may have happened: only say it of what may run twice.
   * One that throws is not followed.
   */
  readonly when?: ((error: unknown, call: Call) => boolean | undefined) | undefined;
  /** What retries are paid from; false: they are not counted. @default its own `retryBudget()` */
  readonly budget?: RetryBudget | false | undefined;
  /** Whether a pause keeps the process alive. @default true */
  readonly keepAlive?: boolean | undefined;
  /** Its name in events. @default "retry" */
  readonly name?: string | undefined;
  /** Where time and chance come from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/** Another attempt will be made. */
export interface RetryingEvent {
  readonly retry: string;
  /** The attempt that will be made: 2 or more. */
  readonly attempt: number;
  /** The pause before it. */
  readonly delayMs: Ms;
  /** What the attempt before threw. */
  readonly error: unknown;
}

/** What kept an error that may be repeated from being repeated. */
export type ExhaustedReason =
  /** All attempts were made. */
  | "attempts"
  /** The pause would not end before the call's deadline. */
  | "deadline"
  /** The error asks for a pause over `maxRetryAfterMs`. */
  | "retry-after"
  /** The backoff said Infinity. */
  | "backoff";

/** The call failed for good, with an error that could have been repeated. */
export interface ExhaustedEvent {
  readonly retry: string;
  /** How many attempts were made. */
  readonly attempts: number;
  readonly reason: ExhaustedReason;
  /** What the last attempt threw. */
  readonly error: unknown;
}

/** The call failed for good because the budget would not pay for another attempt. */
export interface BudgetEmptyEvent {
  readonly retry: string;
  /** How many attempts were made. */
  readonly attempts: number;
  /** What the last attempt threw. */
  readonly error: unknown;
}

/** Events of a retry, for `retry.on`; on the runtime's channels `retry.<name>`. */
export interface RetryEvents {
  /** Another attempt will be made. */
  readonly retrying: RetryingEvent;
  /** Failed for good, though repeatable. */
  readonly exhausted: ExhaustedEvent;
  /** Failed for good for want of budget. */
  readonly budgetEmpty: BudgetEmptyEvent;
}

/** Counters since the policy was made. */
export interface RetryStats {
  /** First attempts. */
  readonly calls: number;
  /** Further attempts that were granted. */
  readonly retries: number;
  /** Calls that succeeded after the first attempt. */
  readonly recovered: number;
  /** Calls whose error may not be repeated. */
  readonly unrepeatable: number;
  /** Calls that failed for good though repeatable. */
  readonly exhausted: number;
  /** Calls that failed for good for want of budget. */
  readonly budgetEmpty: number;
}

/** Options with their defaults. */
export interface RetrySettings {
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly maxRetryAfterMs: Ms;
  readonly when: ((error: unknown, call: Call) => boolean | undefined) | undefined;
  readonly budget: RetryBudget | undefined;
  readonly keepAlive: boolean;
  readonly name: string;
  readonly runtime: Runtime;
}

const NAMES = [
  "attempts",
  "backoff",
  "maxRetryAfterMs",
  "when",
  "budget",
  "keepAlive",
  "name",
  "runtime",
] as const;

/** The checked options. */
export function retrySettings(options: RetryOptions): RetrySettings {
  knownOptions("retry", options, NAMES);
  const runtime = options.runtime ?? systemRuntime;
  return {
    attempts: attempts(options.attempts ?? 3),
    backoff: callable("backoff", options.backoff ?? backoff.full()),
    maxRetryAfterMs: bound("maxRetryAfterMs", options.maxRetryAfterMs ?? 60_000),
    when: options.when === undefined ? undefined : callable("when", options.when),
    budget: budgetOf(options.budget, runtime),
    keepAlive: boolean("keepAlive", options.keepAlive ?? true),
    name: boundedString("name", options.name ?? "retry", 256),
    runtime,
  };
}

/** A budget of the caller's, none, or one of its own. */
export function budgetOf(
  budget: RetryBudget | false | undefined,
  runtime: Runtime,
): RetryBudget | undefined {
  if (budget === undefined) return retryBudget({ runtime });
  if (budget === false) return undefined;
  const isBudget = typeof (budget as Partial<RetryBudget> | null)?.withdraw === "function";
  if (isBudget && typeof budget.deposit === "function") return budget;
  throw invalidArgument("budget", budget, "a retry budget, or false");
}

function attempts(value: number): number {
  return value === Infinity ? value : positiveInteger("attempts", value);
}

/** A duration, zero included, or Infinity. */
function bound(option: string, value: Ms): Ms {
  return value === Infinity ? value : nonNegative(option, value);
}
