/**
 * Options: their defaults, and the checks before anything is sent or run.
 *
 * Defaults are bounds that one can see. `leaseMs` of 30 s is what a crashed run costs its repeats;
 * a run that lives renews it, however long it takes. `waitMs` outlasts a lease, so that a repeat
 * which waits for a crashed run takes it over instead of giving up just before. `ttlMs` of a day
 * is how long a repeat is recognised, counted from the answer; a run that ended without one is
 * remembered as long.
 */
import {
  type Backend,
  boundedString,
  checkName,
  invalidArgument,
  inRange,
  knownOptions,
  type Ms,
  nonNegative,
  positiveInteger,
  ttl,
} from "@quorate/core";
import { type Codec, jsonCodec } from "./codec.ts";

/** Shortest lease: below it the first garbage collection costs the run its lease. */
export const MIN_LEASE_MS = 100;
/** Lease of a run that names none. */
export const DEFAULT_LEASE_MS = 30_000;
/** How long an answer is kept where nothing is said. */
export const DEFAULT_TTL_MS = 86_400_000;
/** Most bytes of a key, and of a scope. */
export const MAX_KEY_BYTES = 1_024;
/** What a record says beside the answer: key and scope, escaped at worst, and some numbers. */
export const MAX_HEADER_BYTES = 16_384;

/** By how much the default wait outlasts the lease. */
const WAIT_BEYOND_LEASE_MS = 10_000;
const DEFAULT_MAX_WAITING = 10_000;
const DEFAULT_CACHE_AGE_MS = 60_000;
const DEFAULT_CACHE_BYTES = 16_777_216;

/** What a repeat does while the first runs. */
export type Concurrent = "wait" | "reject";

/**
 * What becomes of the key when the work throws something that is no refusal:
 *
 * - `release`: free at once; the next call runs, and is told (`takeover`, `attempt`).
 * - `hold`: kept until the lease ends, so that what may still be under way can land first.
 * - `store`: the error is the answer; repeats are given its name, message and code. An error that
 *   says that nothing happened (`effectOf(error) === "none"`) is released all the same.
 */
export type OnError = "release" | "hold" | "store";

/** What becomes of the key when the result cannot be stored; the call fails either way. */
export type OnUnencodable = "store" | "release";

/** What all calls of one `Idempotency` have in common unless they say otherwise. */
export interface CallDefaults {
  /** How long an answer is kept, from its completion on. @default 86400000 (24 h) */
  readonly ttlMs?: Ms;
  /** Lease of a run, renewed while it lives: what a crash costs its repeats. @default 30000 */
  readonly leaseMs?: Ms;
  /** Whether a repeat waits for the run that is under way, or fails at once. @default "wait" */
  readonly concurrent?: Concurrent;
  /** Longest wait; `Infinity` waits for ever. @default leaseMs + 10000 */
  readonly waitMs?: Ms;
  /** What an error of the work means for the key. @default "release" */
  readonly onError?: OnError;
}

/** A bounded copy, in this process, of answers that it has seen. */
export interface LocalCacheOptions {
  /** Answers kept; the least recently used goes first. */
  readonly max: number;
  /** Bytes of answers kept, as text. @default 16777216 */
  readonly maxBytes?: number;
  /** Longest use of a copy: `forget` in another process is heard by then. @default 60000 */
  readonly maxAgeMs?: Ms;
}

/** Options of `createIdempotency`. */
export interface IdempotencyOptions extends CallDefaults {
  /** Collection of the records in the store; one per kind of operation. @default "idempotency" */
  readonly name?: string;
  /**
   * Longest answer as text; at most what the engine takes, less 16384 for the record's head.
   * @default what the engine takes, less the head as it is
   */
  readonly maxResultBytes?: number;
  /** What a result that cannot be stored means for the key. @default "store": never run again */
  readonly onUnencodable?: OnUnencodable;
  /** Makes text of answers; the place to encrypt them. @default jsonCodec */
  readonly codec?: Codec;
  /** Answer repeats from this process's memory. @default none: each repeat asks the store */
  readonly localCache?: LocalCacheOptions;
  /** Calls that may wait for others' runs at one time. @default 10000 */
  readonly maxWaiting?: number;
}

/** Options of one call. */
export interface RunOptions extends CallDefaults {
  /** Whose key it is (tenant, user): equal keys of two scopes never meet. @default none */
  readonly scope?: string | undefined;
  /**
   * The request, as any JSON value: another one under the same key is IDEMPOTENCY_MISMATCH.
   * `undefined`: not compared, and then every call of the key must leave it out.
   */
  readonly fingerprint?: unknown;
  /** Ends a wait: it rejects with the signal's reason. Running work sees it by its own signal. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `begin`: the caller says itself what an error means. */
export type BeginOptions = Omit<RunOptions, "onError">;

/** Defaults of calls, filled in. */
export interface CheckedDefaults {
  readonly ttlMs: Ms;
  readonly leaseMs: Ms;
  readonly concurrent: Concurrent;
  readonly waitMs: Ms;
  readonly onError: OnError;
}

/** Options of an `Idempotency`, filled in. */
export interface CheckedOptions {
  readonly name: string;
  readonly maxResultBytes: number | undefined;
  readonly onUnencodable: OnUnencodable;
  readonly codec: Codec;
  readonly localCache: Required<LocalCacheOptions> | undefined;
  readonly maxWaiting: number;
  readonly defaults: CheckedDefaults;
}

const DEFAULT_NAMES = ["ttlMs", "leaseMs", "concurrent", "waitMs", "onError"] as const;
/** Names of what one call takes. */
export const CALL_NAMES: readonly (keyof RunOptions)[] = [
  ...DEFAULT_NAMES,
  "scope",
  "fingerprint",
  "signal",
];
const OPTION_NAMES = [
  ...DEFAULT_NAMES,
  "name",
  "maxResultBytes",
  "onUnencodable",
  "codec",
  "localCache",
  "maxWaiting",
] as const;

/** The options of `createIdempotency`, checked against what the engine takes. */
export function checkOptions(options: IdempotencyOptions, backend: Backend): CheckedOptions {
  knownOptions("options", options, OPTION_NAMES);
  const { maxResultBytes, codec = jsonCodec } = options;
  if (maxResultBytes !== undefined) {
    positiveInteger("maxResultBytes", maxResultBytes);
    checkFits(maxResultBytes, backend);
  }
  if (typeof codec?.encode !== "function" || typeof codec.decode !== "function") {
    throw invalidArgument("codec", codec, "an object with encode and decode");
  }
  return {
    name: checkName("name", options.name ?? "idempotency"),
    maxResultBytes,
    onUnencodable: oneOf("onUnencodable", options.onUnencodable ?? "store", ["store", "release"]),
    codec,
    localCache: options.localCache === undefined ? undefined : checkCache(options.localCache),
    maxWaiting: positiveInteger("maxWaiting", options.maxWaiting ?? DEFAULT_MAX_WAITING),
    defaults: checkDefaults(options),
  };
}

/** Most bytes of an answer that the engine takes, a head of `headBytes` beside it. */
export function roomFor(backend: Backend, headBytes: number): number {
  return Math.max(0, backend.capabilities.maxValueBytes - headBytes);
}

/** Throws where the engine cannot take answers of `maxResultBytes`. */
export function checkFits(maxResultBytes: number, backend: Backend): void {
  const room = roomFor(backend, MAX_HEADER_BYTES);
  if (maxResultBytes <= room) return;
  const most = `at most ${room}: what ${backend.name} takes, less the record's head`;
  throw invalidArgument("maxResultBytes", maxResultBytes, most);
}

/** The defaults of calls, with those of the package for what is not named. */
export function checkDefaults(options: CallDefaults, base?: CheckedDefaults): CheckedDefaults {
  const leaseMs = ttl(
    "leaseMs",
    options.leaseMs ?? base?.leaseMs ?? DEFAULT_LEASE_MS,
    MIN_LEASE_MS,
  );
  const waitMs = options.waitMs ?? (options.leaseMs === undefined ? base?.waitMs : undefined);
  return {
    ttlMs: ttl("ttlMs", options.ttlMs ?? base?.ttlMs ?? DEFAULT_TTL_MS),
    leaseMs,
    concurrent: oneOf("concurrent", options.concurrent ?? base?.concurrent ?? "wait", [
      "wait",
      "reject",
    ]),
    waitMs: checkWait(waitMs ?? leaseMs + WAIT_BEYOND_LEASE_MS),
    onError: oneOf("onError", options.onError ?? base?.onError ?? "release", [
      "release",
      "hold",
      "store",
    ]),
  };
}

/** `scope`, if it is one. */
export function checkScope(scope: string | undefined): string | undefined {
  return scope === undefined ? undefined : boundedString("scope", scope, MAX_KEY_BYTES);
}

/** `signal`, if it is one. */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalidArgument("signal", signal, "an AbortSignal");
}

function checkCache(cache: LocalCacheOptions): Required<LocalCacheOptions> {
  knownOptions("localCache", cache, ["max", "maxBytes", "maxAgeMs"]);
  const longestMs = 3_600_000;
  return {
    max: positiveInteger("localCache.max", cache.max),
    maxBytes: positiveInteger("localCache.maxBytes", cache.maxBytes ?? DEFAULT_CACHE_BYTES),
    maxAgeMs: inRange("localCache.maxAgeMs", cache.maxAgeMs ?? DEFAULT_CACHE_AGE_MS, 1, longestMs),
  };
}

function checkWait(waitMs: Ms): Ms {
  return waitMs === Infinity ? waitMs : nonNegative("waitMs", waitMs);
}

function oneOf<T extends string>(option: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  throw invalidArgument(option, value, words.map((word) => `"${word}"`).join(" or "));
}
