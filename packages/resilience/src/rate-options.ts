/**
 * Options of rate limits, checked once.
 */
import {
  boundedString,
  callable,
  invalidArgument,
  type Ms,
  nonNegative,
  positiveInteger,
  type Runtime,
  systemRuntime,
} from "@quorate/core";

import type { Call } from "./call.ts";
import { reportFailure } from "./emitter.ts";
import { checkTerms, type RateTerms } from "./rate-units.ts";

/** Longest name of a limiter, in bytes. */
const MAX_NAME_BYTES = 128;

/** What all rate limits have in common. */
export interface RateOptions {
  /** Permits for each `perMs`; an integer. One in two seconds: `{ limit: 1, perMs: 2_000 }`. */
  readonly limit: number;
  /** The period that `limit` is for. */
  readonly perMs: Ms;
  /** Permits that can be saved up, and then taken at once. @default limit */
  readonly burst?: number;
  /** How long a call waits in line for its permits; 0: it does not. @default 0 */
  readonly waitMs?: Ms;
  /** Most calls that wait (for each key); others are refused. @default 1000 */
  readonly maxWaiting?: number;
  /** Permits that a call costs, an integer from 0 to `burst`. @default 1 */
  readonly cost?: (call: Call) => number;
}

/** Options of `rateLimit`. */
export interface RateLimitOptions extends RateOptions {
  /** Where it appears in errors and events. @default "rate limit" */
  readonly name?: string;
  /**
   * How permits are counted. Both let at most `burst + limit · t / perMs` through in any time `t`;
   * they differ in the default of `burst`: a token bucket starts full, with `limit` in it; GCRA
   * spaces calls evenly, with a burst of 1. @default "token-bucket"
   */
  readonly algorithm?: "token-bucket" | "gcra";
  /**
   * Whose limit it is: each key has its own. A key that throws, is no string, or is longer than
   * 512 characters counts as `""`. @default one limit for all calls
   */
  readonly key?: (call: Call) => string;
  /** Most keys that are remembered. @default 10000 */
  readonly maxKeys?: number;
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** `RateOptions`, with nothing left open. */
export interface CheckedRate {
  readonly terms: RateTerms;
  readonly waitMs: Ms;
  readonly maxWaiting: number;
  readonly cost: ((call: Call) => number) | undefined;
}

/** `RateLimitOptions`, with nothing left open. */
export interface CheckedRateLimit extends CheckedRate {
  readonly name: string;
  readonly algorithm: "token-bucket" | "gcra";
  readonly key: ((call: Call) => string) | undefined;
  readonly maxKeys: number;
  readonly runtime: Runtime;
}

/** Names of the options that all rate limits take. */
export const RATE_OPTIONS = ["limit", "perMs", "burst", "waitMs", "maxWaiting", "cost"] as const;

/** Checks what all have in common. @throws INVALID_ARGUMENT */
export function checkRate(options: RateOptions, defaultBurst: number): CheckedRate {
  const { limit, perMs, burst = defaultBurst, cost } = options;
  return {
    terms: checkTerms({ limit, perMs, burst }),
    waitMs: nonNegative("waitMs", options.waitMs ?? 0),
    maxWaiting: positiveInteger("maxWaiting", options.maxWaiting ?? 1_000),
    cost: cost === undefined ? undefined : callable("cost", cost),
  };
}

/** Checks the options of `rateLimit`. @throws INVALID_ARGUMENT */
export function checkRateLimit(options: RateLimitOptions): CheckedRateLimit {
  const { algorithm = "token-bucket", key } = options;
  if (algorithm !== "token-bucket" && algorithm !== "gcra") {
    throw invalidArgument("algorithm", algorithm, '"token-bucket" or "gcra"');
  }
  return {
    ...checkRate(options, algorithm === "gcra" ? 1 : options.limit),
    name: boundedString("name", options.name ?? "rate limit", MAX_NAME_BYTES),
    algorithm,
    key: key === undefined ? undefined : callable("key", key),
    maxKeys: positiveInteger("maxKeys", options.maxKeys ?? 10_000),
    runtime: options.runtime ?? systemRuntime,
  };
}

/** A price that cannot be told must not let a call through for nothing, nor harm it. */
export function costOf(
  call: Call,
  price: ((call: Call) => number) | undefined,
  burst: number,
  runtime: Runtime,
): number {
  if (price === undefined) return 1;
  try {
    return checkCost(price(call), burst);
  } catch (error) {
    reportFailure(runtime, "cost", error);
    return 1;
  }
}

/** What a call may cost: an integer from 0 to `burst`. @throws INVALID_ARGUMENT */
export function checkCost(cost: number, burst: number): number {
  if (Number.isSafeInteger(cost) && cost >= 0 && cost <= burst) return cost;
  throw invalidArgument("cost", cost, `an integer from 0 to the burst of ${burst}`);
}
