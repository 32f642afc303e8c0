/**
 * Options of a hedge, checked once, and what a hedge tells of itself.
 */
import {
  boundedString,
  inRange,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  type Runtime,
  systemRuntime,
} from "@quorate/core";

import type { RetryBudget } from "./budget.ts";
import { budgetOf } from "./retry-options.ts";

/** Options of `hedge`. */
export interface HedgeOptions {
  /**
   * How long a call may take before a second is sent. With `percentile`: only until enough
   * latencies are known. @default by percentile
   */
  readonly delayMs?: Ms | undefined;
  /**
   * The share of calls that answer before a second would be sent, 0.5 to 0.999, from the last 128
   * latencies; at least 1 ms. None is sent before 20 are known. @default 0.95 without `delayMs`
   */
  readonly percentile?: number | undefined;
  /** Further calls at most, each after another such wait; 1 to 10. @default 1 */
  readonly hedges?: number | undefined;
  /**
   * What hedges are paid from; false: they are not counted. One that is given is drawn on, and is
   * fed by the `retry` that shares it. @default its own `retryBudget()`, fed by its own calls
   */
  readonly budget?: RetryBudget | false | undefined;
  /** Its name in events. @default "hedge" */
  readonly name?: string | undefined;
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/** A further call was sent. */
export interface HedgingEvent {
  readonly hedge: string;
  /** Its attempt. */
  readonly attempt: number;
  /** How long the call had been out. */
  readonly afterMs: Ms;
}

/** A further call answered before the first. */
export interface HedgeWonEvent {
  readonly hedge: string;
  /** Which attempt won. */
  readonly attempt: number;
  /** How many calls had been sent. */
  readonly sent: number;
}

/** A further call was due and was not sent, for want of budget. */
export interface HedgeBudgetEmptyEvent {
  readonly hedge: string;
}

/** Events of a hedge, for `hedge.on`; on the runtime's channels `hedge.<name>`. */
export interface HedgeEvents {
  /** A further call was sent. */
  readonly sent: HedgingEvent;
  /** A further call won. */
  readonly won: HedgeWonEvent;
  /** A further call was not sent for want of budget. */
  readonly budgetEmpty: HedgeBudgetEmptyEvent;
}

/** Counters since the policy was made. */
export interface HedgeStats {
  /** Calls that may run twice. */
  readonly calls: number;
  /** Calls that may not, and went through as they were. */
  readonly unsafe: number;
  /** Further calls that were sent. */
  readonly sent: number;
  /** Calls that a further call answered. */
  readonly won: number;
  /** Further calls that were not sent for want of budget. */
  readonly budgetEmpty: number;
}

/** Options with their defaults. */
export interface HedgeSettings {
  readonly delayMs: Ms | undefined;
  readonly percentile: number | undefined;
  readonly hedges: number;
  readonly budget: RetryBudget | undefined;
  /** Whether first attempts are deposited here. */
  readonly feedsBudget: boolean;
  readonly name: string;
  readonly runtime: Runtime;
}

const NAMES = ["delayMs", "percentile", "hedges", "budget", "name", "runtime"] as const;

/** The checked options. */
export function hedgeSettings(options: HedgeOptions): HedgeSettings {
  knownOptions("hedge", options, NAMES);
  const { delayMs } = options;
  const runtime = options.runtime ?? systemRuntime;
  const percentile = options.percentile ?? (delayMs === undefined ? 0.95 : undefined);
  return {
    delayMs: delayMs === undefined ? undefined : positive("delayMs", delayMs),
    percentile:
      percentile === undefined ? undefined : inRange("percentile", percentile, 0.5, 0.999),
    hedges: inRange("hedges", positiveInteger("hedges", options.hedges ?? 1), 1, 10),
    budget: budgetOf(options.budget, runtime),
    feedsBudget: options.budget === undefined,
    name: boundedString("name", options.name ?? "hedge", 256),
    runtime,
  };
}
