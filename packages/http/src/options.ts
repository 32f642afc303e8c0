/**
 * Options of the server side: what is protected, whose keys they are, what is stored.
 *
 * One option has no default: `scope`. Without it two customers who happen to use the same key (and
 * "1" is a popular one) would be given each other's answers. Say whose request it is, from what
 * your own authentication has found out, never from what the client may write.
 */
import {
  boolean,
  boundedString,
  callable,
  invalidArgument,
  knownOptions,
  type Ms,
  nonNegative,
  positive,
  positiveInteger,
  type Runtime,
  systemRuntime,
  ttl,
} from "@quorate/core";
import type { Idempotency } from "@quorate/idempotency";
import { keptHeaders } from "./header-policy.ts";
import { DEFAULT_PROBLEM_BASE } from "./problems.ts";

/** Most bytes of a response's body that are stored where nothing is said. */
export const DEFAULT_MAX_BODY_BYTES = 262_144;
/** Most bytes of a request's body that are read for its fingerprint where nothing is said. */
export const DEFAULT_MAX_REQUEST_BYTES = 1_048_576;

/** Options of every adapter; `R` is the framework's request. */
export interface HttpIdempotencyOptions<R> {
  /** Where keys and answers are kept. */
  readonly idempotency: Idempotency;
  /**
   * Whose request it is (tenant, user): 1 to 1024 bytes. Equal keys of two scopes never meet. It
   * is hashed, never stored as it is. What it throws goes to the framework, as the handler's would.
   */
  readonly scope: (request: R) => string | Promise<string>;
  /** Methods whose handlers are protected. @default ["POST", "PATCH"] */
  readonly methods?: readonly string[];
  /** Refuse a protected method without a key (400), or let it through unprotected. @default true */
  readonly required?: boolean | ((request: R) => boolean);
  /** Take only the quoted form of the key, as the draft has it. @default false */
  readonly strict?: boolean;
  /**
   * What a key belongs to beside scope and method. `() => "orders"` makes a key that comes back
   * for another path of that name a mistake (422) instead of a new request.
   * @default the path, without the query
   */
  readonly route?: (request: R) => string;
  /**
   * What counts of the request's body: any JSON value. Method, path, query and media type are
   * always compared. With it, the body is neither read nor needed. @default the whole body
   */
  readonly fingerprint?: (request: R) => unknown;
  /**
   * Whether an answer with this status is stored and replayed. Otherwise a retry runs the handler
   * again. @default 200 to 499, but for 401, 403, 413 and 429
   */
  readonly store?: (status: number) => boolean;
  /** Longest body that is stored. @default 262144 */
  readonly maxBodyBytes?: number;
  /**
   * What becomes of the key of an answer that cannot be kept (too long, an event stream, cut off
   * while it was streamed): `release` lets a retry run the handler again; `remember` answers the
   * retry with 409 `answer-not-kept` and runs nothing. @default "remember"
   */
  readonly unkept?: "release" | "remember";
  /** Names of response headers to replay, besides those of the list. @default none */
  readonly replayHeaders?: readonly string[];
  /** Status of `key-reused`. @default 422 */
  readonly mismatchStatus?: 422 | 409;
  /** How long a duplicate waits for the first to end, until it is told 409. @default 5000 */
  readonly waitMs?: Ms;
  /** How long an answer is kept. @default that of `idempotency`, 24 h */
  readonly ttlMs?: Ms;
  /** Lease of a running handler, renewed while it runs. @default that of `idempotency`, 30 s */
  readonly leaseMs?: Ms;
  /**
   * Longest run of a handler. One that has not answered by then loses the key when its lease ends;
   * it is not stopped. @default 600000
   */
  readonly maxRunMs?: Ms;
  /**
   * How long a client waits for the store to take its answer. Then it is sent all the same, marked
   * `Idempotency-Not-Stored: store`; the store is asked on behind it. @default 5000
   */
  readonly storeWaitMs?: Ms;
  /**
   * Express and Fastify: how long a stream may go on after its client has left, before its answer
   * counts as unkept. @default 5000
   */
  readonly cutOffMs?: Ms;
  /** Run the handler without protection when the store is down, instead of 503. @default false */
  readonly failOpen?: boolean;
  /** Put before the kind in a problem's `type`: the URL of your documentation, say. */
  readonly problemBase?: string;
  /** Time and events. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** Options with every default filled in. */
export interface CheckedOptions<R> {
  readonly idempotency: Idempotency;
  readonly scope: (request: R) => string | Promise<string>;
  readonly methods: ReadonlySet<string>;
  readonly required: boolean | ((request: R) => boolean);
  readonly strict: boolean;
  readonly route: ((request: R) => string) | undefined;
  readonly fingerprint: ((request: R) => unknown) | undefined;
  readonly store: (status: number) => boolean;
  readonly maxBodyBytes: number;
  readonly unkept: "release" | "remember";
  readonly kept: ReadonlySet<string>;
  readonly mismatchStatus: 422 | 409;
  readonly waitMs: Ms;
  /** As `begin` takes them; what was not said is not said there either. */
  readonly terms: { readonly ttlMs?: Ms; readonly leaseMs?: Ms };
  readonly maxRunMs: Ms;
  readonly storeWaitMs: Ms;
  readonly cutOffMs: Ms;
  readonly failOpen: boolean;
  readonly problemBase: string;
  readonly runtime: Runtime;
}

const NAMES = [
  "idempotency",
  "scope",
  "methods",
  "required",
  "strict",
  "route",
  "fingerprint",
  "store",
  "maxBodyBytes",
  "unkept",
  "replayHeaders",
  "mismatchStatus",
  "waitMs",
  "ttlMs",
  "leaseMs",
  "maxRunMs",
  "storeWaitMs",
  "cutOffMs",
  "failOpen",
  "problemBase",
  "runtime",
] as const;

const MAX_RUN_MS = 600_000;
const WAIT_MS = 5_000;
const STORE_WAIT_MS = 5_000;
const CUT_OFF_MS = 5_000;
const NOT_FOR_EVER: ReadonlySet<number> = new Set([401, 403, 413, 429]);

/** The rule for `store` where nothing is said. */
export function storedByDefault(status: number): boolean {
  // Who is asking, how much and how often may be otherwise in a minute; the rest was an answer.
  return status >= 200 && status < 500 && !NOT_FOR_EVER.has(status);
}

/** The options, checked; `extra` names those that one adapter has besides. */
export function checkOptions<R>(
  options: HttpIdempotencyOptions<R>,
  extra: readonly string[] = [],
): CheckedOptions<R> {
  knownOptions("options", options, [...NAMES, ...extra] as (keyof HttpIdempotencyOptions<R>)[]);
  const { idempotency, scope, required = true, unkept = "remember" } = options;
  if (typeof idempotency?.begin !== "function") {
    throw invalidArgument("idempotency", idempotency, "what createIdempotency() makes");
  }
  if (typeof scope !== "function") {
    throw invalidArgument("scope", scope, "a function that names the tenant or user; no default");
  }
  if (unkept !== "release" && unkept !== "remember") {
    throw invalidArgument("unkept", unkept, '"release" or "remember"');
  }
  const { mismatchStatus = 422 } = options;
  if (mismatchStatus !== 422 && mismatchStatus !== 409) {
    throw invalidArgument("mismatchStatus", mismatchStatus, "422 or 409");
  }
  return {
    idempotency,
    scope,
    methods: checkMethods(options.methods ?? ["POST", "PATCH"]),
    required: typeof required === "function" ? required : boolean("required", required),
    strict: boolean("strict", options.strict ?? false),
    route: optionalFunction("route", options.route),
    fingerprint: optionalFunction("fingerprint", options.fingerprint),
    store: callable("store", options.store ?? storedByDefault),
    maxBodyBytes: positiveInteger("maxBodyBytes", options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES),
    unkept,
    kept: keptHeaders("replayHeaders", options.replayHeaders),
    mismatchStatus,
    waitMs: nonNegative("waitMs", options.waitMs ?? WAIT_MS),
    terms: termsOf(options),
    maxRunMs: positive("maxRunMs", options.maxRunMs ?? MAX_RUN_MS),
    storeWaitMs: positive("storeWaitMs", options.storeWaitMs ?? STORE_WAIT_MS),
    cutOffMs: positive("cutOffMs", options.cutOffMs ?? CUT_OFF_MS),
    failOpen: boolean("failOpen", options.failOpen ?? false),
    problemBase: boundedString("problemBase", options.problemBase ?? DEFAULT_PROBLEM_BASE, 1_024),
    runtime: options.runtime ?? systemRuntime,
  };
}

function termsOf(options: { readonly ttlMs?: Ms; readonly leaseMs?: Ms }): CheckedTerms {
  const { ttlMs, leaseMs } = options;
  return {
    ...(ttlMs === undefined ? {} : { ttlMs: ttl("ttlMs", ttlMs) }),
    ...(leaseMs === undefined ? {} : { leaseMs: ttl("leaseMs", leaseMs, 100) }),
  };
}

type CheckedTerms = { readonly ttlMs?: Ms; readonly leaseMs?: Ms };

function checkMethods(methods: readonly string[]): ReadonlySet<string> {
  const legal = Array.isArray(methods) && methods.length > 0;
  if (!legal) throw invalidArgument("methods", methods, 'a list of methods, as ["POST"]');
  for (const method of methods as readonly unknown[]) {
    if (typeof method === "string" && /^[A-Z]{1,32}$/.test(method)) continue;
    throw invalidArgument("methods", method, "methods in capitals");
  }
  return new Set(methods);
}

function optionalFunction<F>(option: string, value: F | undefined): F | undefined {
  return value === undefined ? undefined : callable(option, value);
}
