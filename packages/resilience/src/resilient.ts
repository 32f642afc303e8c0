/**
 * The preset: all that a call to another service needs, in the order that is safe.
 *
 * Outer to inner: fallback, deadline of the whole call, retry, hedge, throttle, breaker, rate
 * limit, bulkhead, deadline of one attempt. So the breaker sees each attempt, a pause before a
 * retry holds no place, whoever the breaker turns away waits in no line, and the fallback answers
 * whatever else failed.
 *
 * Every part has a default or is left out with `false`; each can be reached by its name to look at
 * it, to listen and to act.
 */
import { boundedString, knownOptions, type Ms, type Runtime, systemRuntime } from "@quorate/core";

import { type Breaker, breaker } from "./breaker.ts";
import type { BreakerOptions } from "./breaker-options.ts";
import { type Bulkhead, bulkhead, type BulkheadOptions } from "./bulkhead.ts";
import { LayeredPolicy, pipe, type Policy } from "./policy.ts";
import { type Retry, retry } from "./retry.ts";
import type { RetryOptions } from "./retry-options.ts";
import { timeout } from "./timeout.ts";

/** Options of `resilient`. Parts take their own options; `name` and `runtime` are passed on. */
export interface ResilientOptions {
  /** Name of the dependency, in errors, events and metrics of all parts. @default "dependency" */
  readonly name?: string;
  /** Time for the whole call with its retries; Infinity: no bound. @default 10_000 */
  readonly timeoutMs?: Ms;
  /** Time for one attempt; Infinity: no bound. @default 2_000 */
  readonly attemptTimeoutMs?: Ms;
  /** Retries; false: none. @default 3 attempts with full jitter and a budget of its own */
  readonly retry?: Omit<RetryOptions, "runtime" | "name"> | false;
  /** The breaker; false: none. @default see `breaker` */
  readonly breaker?: Omit<BreakerOptions, "runtime" | "name"> | false;
  /** The bulkhead; false: none. @default 64 at once, 128 waiting, adaptive order */
  readonly bulkhead?: Omit<BulkheadOptions, "runtime" | "name"> | false;
  /** Policies around the whole, such as a `fallback`. @default none */
  readonly outermost?: readonly Policy[];
  /** Policies between retry and breaker, such as a `hedge` or a `throttle`. @default none */
  readonly perAttempt?: readonly Policy[];
  /** Policies between breaker and bulkhead, such as a `rateLimit`. @default none */
  readonly limits?: readonly Policy[];
  /** Where time, chance and events come from. @default systemRuntime */
  readonly runtime?: Runtime;
}

const OPTION_NAMES = [
  "name",
  "timeoutMs",
  "attemptTimeoutMs",
  "retry",
  "breaker",
  "bulkhead",
  "outermost",
  "perAttempt",
  "limits",
  "runtime",
] as const;

const MAX_NAME_BYTES = 128;

/** The preset's policy, and its parts. */
export class Resilient extends LayeredPolicy {
  /** Its retry; undefined with `retry: false`. */
  readonly retry: Retry | undefined;
  /** Its breaker; undefined with `breaker: false`. */
  readonly breaker: Breaker | undefined;
  /** Its bulkhead; undefined with `bulkhead: false`. */
  readonly bulkhead: Bulkhead | undefined;

  /** See `resilient`. */
  constructor(options: ResilientOptions = {}) {
    const { runtime, parts, ...own } = assemble(options);
    super(pipe(...parts.filter((part) => part !== undefined)).layers, runtime);
    this.retry = own.retry;
    this.breaker = own.breaker;
    this.bulkhead = own.bulkhead;
  }
}

function assemble(options: ResilientOptions) {
  knownOptions("resilient", options, OPTION_NAMES);
  const runtime = options.runtime ?? systemRuntime;
  const name = boundedString("name", options.name ?? "dependency", MAX_NAME_BYTES);
  const shared = { name, runtime };
  const own = {
    retry: options.retry === false ? undefined : retry({ ...options.retry, ...shared }),
    breaker: options.breaker === false ? undefined : breaker({ ...options.breaker, ...shared }),
    bulkhead:
      options.bulkhead === false
        ? undefined
        : bulkhead({ max: 64, queue: 128, order: "adaptive", ...options.bulkhead, ...shared }),
  };
  const parts: readonly (Policy | undefined)[] = [
    ...(options.outermost ?? []),
    timeout({ timeoutMs: options.timeoutMs ?? 10_000, runtime }),
    own.retry,
    ...(options.perAttempt ?? []),
    own.breaker,
    ...(options.limits ?? []),
    own.bulkhead,
    timeout({ timeoutMs: options.attemptTimeoutMs ?? 2_000, runtime }),
  ];
  return { runtime, parts, ...own };
}

/**
 * A policy with everything that a call to another service needs, in the safe order.
 *
 * Calls are `unsafe` unless they say otherwise: give `repeat: "safe"` for what may run twice, or a
 * `key` that the other side knows again; else nothing is repeated that may have happened.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of range
 * @example
 * import { resilient } from "@quorate/resilience";
 * const users = resilient({ name: "users", attemptTimeoutMs: 500 });
 * const user = await users.run(async (call) => ({ id: 7, attempt: call.attempt }), {
 *   repeat: "safe",
 * });
 */
export function resilient(options: ResilientOptions = {}): Resilient {
  return new Resilient(options);
}
