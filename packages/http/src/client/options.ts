/**
 * Options of the client, and their defaults.
 */
import {
  callable,
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  type Runtime,
  systemRuntime,
} from "@quorate/core";
import type { RetryBudget } from "@quorate/resilience";
import type { RepeatableBody } from "./repeatable-body.ts";

/** `fetch`, or what looks like it. */
export type FetchFunction = (input: string | URL, init?: RequestInit) => Promise<Response>;

/** Options of `fetchWithIdempotency`. */
export interface FetchWithIdempotencyOptions {
  /** Tries in all, the first one included. @default 5 */
  readonly attempts?: number;
  /** Longest time for one try to be answered; then its outcome is unknown. @default 10000 */
  readonly attemptTimeoutMs?: Ms;
  /** Longest time for all tries and the pauses between them. @default 60000 */
  readonly timeoutMs?: Ms;
  /** The first pause is drawn from 0 to this, each further one from twice as much. @default 100 */
  readonly backoffMs?: Ms;
  /** Longest pause that is drawn; a server may ask for more. @default 5000 */
  readonly maxBackoffMs?: Ms;
  /** Methods that are given a key. @default ["POST", "PATCH"] */
  readonly methods?: readonly string[];
  /** `"k"` as the draft has it, or `k` for servers that want it bare. @default "quoted" */
  readonly keyForm?: "quoted" | "bare";
  /**
   * What retries are paid from, so that they stay a small share of all calls while a server is
   * overloaded; false: they are not counted. @default a `retryBudget()` of its own
   */
  readonly budget?: RetryBudget | false;
  /** Time, chance, ids. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** What one call takes besides what `fetch` takes. */
export interface IdempotentInit extends Omit<RequestInit, "body"> {
  /** The key: 1 to 255 characters of printable ASCII. @default a UUID version 7 */
  readonly idempotencyKey?: string;
  /** A body that can be sent again, or a function that makes it anew: for streams. */
  readonly body?: RepeatableBody | null;
}

/** Options with every default filled in. */
export interface CheckedClientOptions {
  readonly attempts: number;
  readonly attemptTimeoutMs: Ms;
  readonly timeoutMs: Ms;
  readonly backoffMs: Ms;
  readonly maxBackoffMs: Ms;
  readonly methods: ReadonlySet<string>;
  readonly keyForm: "quoted" | "bare";
  readonly budget: RetryBudget | false | undefined;
  readonly runtime: Runtime;
}

const NAMES = [
  "attempts",
  "attemptTimeoutMs",
  "timeoutMs",
  "backoffMs",
  "maxBackoffMs",
  "methods",
  "keyForm",
  "budget",
  "runtime",
] as const;
const MAX_ATTEMPTS = 1_000;

/** The options, checked. */
export function checkClientOptions(
  fetch: FetchFunction,
  options: FetchWithIdempotencyOptions,
): CheckedClientOptions {
  callable("fetch", fetch);
  knownOptions("options", options, NAMES);
  const { keyForm = "quoted", methods = ["POST", "PATCH"] } = options;
  if (keyForm !== "quoted" && keyForm !== "bare") {
    throw invalidArgument("keyForm", keyForm, '"quoted" or "bare"');
  }
  if (!Array.isArray(methods)) throw invalidArgument("methods", methods, "a list of methods");
  const attempts = positiveInteger("attempts", options.attempts ?? 5);
  return {
    attempts: inRange("attempts", attempts, 1, MAX_ATTEMPTS),
    attemptTimeoutMs: positive("attemptTimeoutMs", options.attemptTimeoutMs ?? 10_000),
    timeoutMs: positive("timeoutMs", options.timeoutMs ?? 60_000),
    backoffMs: positive("backoffMs", options.backoffMs ?? 100),
    maxBackoffMs: positive("maxBackoffMs", options.maxBackoffMs ?? 5_000),
    methods: new Set(methods.map((method) => String(method).toUpperCase())),
    keyForm,
    budget: options.budget,
    runtime: options.runtime ?? systemRuntime,
  };
}
