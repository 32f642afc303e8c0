/**
 * Options of the facade, by opossum's names; read once, never changed, never kept.
 */
import { callable, invalidArgument, nonNegative, type Runtime, systemRuntime } from "@quorate/core";

import { type CacheTransport, MemoryCache, SafeCache } from "./cache.ts";
import { type Stats, Status, type StatusOptions } from "./status.ts";

/** When a coalesced call is no longer handed out. Failed ones never are. */
export type CoalesceReset = "error" | "success" | "timeout";

/** State of a circuit, as `toJSON` gives it. */
export interface CircuitState {
  readonly name?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly closed?: boolean | undefined;
  readonly open?: boolean | undefined;
  readonly halfOpen?: boolean | undefined;
  readonly warmUp?: boolean | undefined;
  readonly shutdown?: boolean | undefined;
  /** Wall time at which it last opened; 0 or absent: never. */
  readonly lastTimerAt?: number | undefined;
}

/** Options of `CircuitBreaker`. Durations are milliseconds, whatever their names. */
export interface CircuitBreakerOptions<A extends unknown[] = unknown[]> extends StatusOptions {
  /** Time for the action; false or Infinity: no bound. @default 10_000 */
  readonly timeout?: number | false | undefined;
  /** Accepted and ignored, as opossum does. @deprecated Use `errorThresholdPercentage`. */
  readonly maxFailures?: number | undefined;
  /** Time from opening to half-open; Infinity: never. @default 30_000 */
  readonly resetTimeout?: number | undefined;
  /** Share of failures, in percent, above which it opens. @default 50 */
  readonly errorThresholdPercentage?: number | undefined;
  /** Fires in the window below which it does not open. @default 10, where opossum has 0 */
  readonly volumeThreshold?: number | undefined;
  /** Most actions that run at once. @default Number.MAX_SAFE_INTEGER */
  readonly capacity?: number | undefined;
  /** Name in statistics. @default the action's name, else a unique one */
  readonly name?: string | undefined;
  /** Group in statistics. @default the name */
  readonly group?: string | undefined;
  /** Whether it protects at all. @default true */
  readonly enabled?: boolean | undefined;
  /** Whether failures of the first `rollingCountTimeout` do not open it. @default false */
  readonly allowWarmUp?: boolean | undefined;
  /** True: this error is an answer, and not counted as a failure. @default none is */
  readonly errorFilter?: ((error: never, ...args: A) => unknown) | undefined;
  /** Whether the first result is kept, by key. @default false */
  readonly cache?: boolean | undefined;
  /** Lifetime of a cached result; 0: for ever. @default 0 */
  readonly cacheTTL?: number | undefined;
  /** Most results kept in memory. @default 2 ** 24 - 1 */
  readonly cacheSize?: number | undefined;
  /** Key of a call for `cache` and `coalesce`. @default JSON.stringify of the arguments */
  readonly cacheGetKey?: ((...args: A) => string) | undefined;
  /** Where results are kept. @default in memory */
  readonly cacheTransport?: CacheTransport | undefined;
  /** Whether calls of one key share one run of the action. @default false */
  readonly coalesce?: boolean | undefined;
  /** How long they share it; 0: for ever. @default `timeout`, or 10_000 without */
  readonly coalesceTTL?: number | undefined;
  /** Most calls shared at once. @default 2 ** 24 - 1 */
  readonly coalesceSize?: number | undefined;
  /** When a shared run is over. A run that failed always is. @default at `coalesceTTL` */
  readonly coalesceResetOn?: readonly CoalesceReset[] | undefined;
  /** Aborted at a timeout. It is one for all calls: prefer `autoRenewAbortController`. */
  readonly abortController?: AbortController | undefined;
  /** Whether `getSignal()` gives each call a signal of its own. @default false */
  readonly autoRenewAbortController?: boolean | undefined;
  /** Statistics to begin with: a status, or what `stats` once was. */
  readonly status?: Status | Partial<Stats> | undefined;
  /** State to begin with: what `toJSON().state` once was. */
  readonly state?: CircuitState | undefined;
}

/** Checked options. */
export interface Settings {
  readonly runtime: Runtime;
  /** Infinity: no bound. */
  readonly timeoutMs: number;
  readonly resetMs: number;
  readonly windowMs: number;
  readonly errorThreshold: number;
  readonly volumeThreshold: number;
  readonly capacity: number;
  readonly errorFilter: ((...args: unknown[]) => unknown) | undefined;
  readonly keyOf: (...args: unknown[]) => string;
  readonly cache: SafeCache | undefined;
  readonly coalesce: SafeCache<MemoryCache> | undefined;
  readonly coalesceEndsOnSuccess: boolean;
  readonly controller: AbortController | undefined;
  readonly renewsController: boolean;
  readonly status: Status;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Checks `options`. */
export function readSettings(options: CircuitBreakerOptions<never>): Settings {
  const runtime = options.runtime ?? systemRuntime;
  const given = options as CircuitBreakerOptions;
  if (given.errorFilter !== undefined) callable("errorFilter", given.errorFilter);
  if (given.cacheGetKey !== undefined) callable("cacheGetKey", given.cacheGetKey);
  const timeoutMs = bound("timeout", given.timeout === false ? Infinity : given.timeout, 10_000);
  const coalesceMs = timeoutMs < Infinity ? timeoutMs : DEFAULT_TIMEOUT_MS;
  return {
    runtime,
    timeoutMs: timeoutMs === 0 ? Infinity : timeoutMs,
    resetMs: bound("resetTimeout", given.resetTimeout, 30_000),
    windowMs: bound("rollingCountTimeout", given.rollingCountTimeout, 10_000),
    errorThreshold: nonNegative("errorThresholdPercentage", given.errorThresholdPercentage ?? 50),
    volumeThreshold: wholeOr(given.volumeThreshold, 10),
    capacity: wholeOr(given.capacity, Number.MAX_SAFE_INTEGER),
    errorFilter: given.errorFilter as Settings["errorFilter"],
    keyOf: given.cacheGetKey ?? ((...args) => JSON.stringify(args)),
    cache: given.cache === true ? cacheOf(given, runtime) : undefined,
    coalesce:
      given.coalesce === true
        ? new SafeCache(
            new MemoryCache(given.coalesceSize, runtime),
            bound("coalesceTTL", given.coalesceTTL, coalesceMs),
            runtime,
          )
        : undefined,
    coalesceEndsOnSuccess: given.coalesceResetOn?.includes("success") === true,
    controller: controllerOf(given.abortController),
    renewsController: given.autoRenewAbortController === true,
    status: statusOf(given),
  };
}

function cacheOf(options: CircuitBreakerOptions, runtime: Runtime): SafeCache {
  const transport = options.cacheTransport ?? new MemoryCache(options.cacheSize, runtime);
  if (typeof transport !== "object" || !transport.get || !transport.set || !transport.flush) {
    throw new TypeError(
      "options.cacheTransport should be an object with `get`, `set` and `flush` methods",
    );
  }
  return new SafeCache(transport, bound("cacheTTL", options.cacheTTL, 0), runtime);
}

function controllerOf(controller: AbortController | undefined): AbortController | undefined {
  if (controller !== undefined && typeof controller.abort !== "function") {
    throw new TypeError("AbortController does not contain `abort()` method");
  }
  return controller;
}

function statusOf(options: CircuitBreakerOptions): Status {
  if (options.status instanceof Status) return options.status;
  return new Status(options.status === undefined ? options : { ...options, stats: options.status });
}

/** A duration, zero or above; Infinity is welcome. */
function bound(option: string, value: number | undefined, otherwise: number): number {
  const given = value ?? otherwise;
  if (typeof given === "number" && given >= 0) return given;
  throw invalidArgument(option, given, "a duration >= 0 in ms, or Infinity");
}

/** As opossum: what is no integer is taken for absent. */
function wholeOr(value: number | undefined, otherwise: number): number {
  return Number.isInteger(value) ? (value as number) : otherwise;
}
