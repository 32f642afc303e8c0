/**
 * Options of locks: their defaults, and the checks before anything is sent.
 *
 * Defaults are bounds that one can see. A lock that is waited for without an end is a hang that
 * nobody is told of, so `waitMs` has one; `Infinity` is legal and must be asked for.
 *
 * `ttlMs` of 15 s: renewal starts at a third, so 10 s are left when a renewal first fails. A NATS
 * leader change takes 5 to 7 s and a Redis failover about as long, and 10 s outlast both. The price
 * is that a crashed holder blocks the others for up to 15 s.
 */
import {
  boundedString,
  checkName,
  type FencingToken,
  invalidArgument,
  knownOptions,
  MAX_LEASE_DATA_BYTES,
  type Ms,
  nonNegative,
  position,
  positive,
  ttl,
} from "@quorate/core";

/** Shortest lease of a lock: below it the first garbage collection costs the lock. */
export const MIN_LOCK_TTL_MS = 100;
/** Lease of a lock that names none. */
export const DEFAULT_LOCK_TTL_MS = 15_000;
/** Wait of an `acquire` or `run` that names none. */
export const DEFAULT_LOCK_WAIT_MS = 30_000;

/** What all claims of one `Locks` have in common unless they say otherwise. */
export interface LockDefaults {
  /** Length of the lease, at least 100: what a crashed holder costs the others. @default 15000 */
  readonly ttlMs?: Ms;
  /** Longest wait in line; `Infinity` waits for ever. `tryAcquire` ignores it. @default 30000 */
  readonly waitMs?: Ms;
  /** Renew at a third of the TTL while held; `false` lets the lock end by its TTL. @default true */
  readonly renew?: boolean;
  /** Longest hold, renewed or not: then the lock is lost, `reason: "expired"`. @default no bound */
  readonly maxHoldMs?: Ms;
  /** Shown to those who wait and to `inspect`, at most 4096 bytes. No secrets. @default none */
  readonly label?: string;
  /** Serve in order of arrival; `false` overtakes the line when the lock is free. @default true */
  readonly fair?: boolean;
  /**
   * Inside a `run` that holds the key already, hand out the same lock (same token; the outermost
   * releases) instead of failing with SELF_DEADLOCK. @default false
   */
  readonly reentrant?: boolean;
}

/** Options of `createLocks`. */
export interface LocksOptions extends LockDefaults {
  /** Put before every key: with `billing`, `a` is the lease `lock/billing/a`. @default none */
  readonly prefix?: string;
}

/** Options of one claim. */
export interface LockOptions extends LockDefaults {
  /** Ends the wait: it rejects with the signal's reason and holds nothing. Not for the work. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Refuse grants whose token is not above this, and wait for one that is: for a resource whose
   * floor is ahead of the store's clock (see STALE_TOKEN, docs/fencing.md). @default none
   */
  readonly aboveToken?: FencingToken;
}

/** A claim's options with every default filled in. */
export interface CheckedLockOptions {
  readonly ttlMs: Ms;
  readonly waitMs: Ms;
  readonly renew: boolean;
  readonly maxHoldMs: Ms;
  readonly label: string | undefined;
  readonly fair: boolean;
  readonly reentrant: boolean;
  readonly signal: AbortSignal | undefined;
  readonly aboveToken: FencingToken | undefined;
}

/** Defaults, as checked once by `createLocks`. */
export type CheckedDefaults = Omit<CheckedLockOptions, "signal" | "aboveToken">;

const DEFAULT_NAMES = [
  "ttlMs",
  "waitMs",
  "renew",
  "maxHoldMs",
  "label",
  "fair",
  "reentrant",
] as const;
const CALL_NAMES = [...DEFAULT_NAMES, "signal", "aboveToken"] as const;

/** The options of `createLocks`, checked. */
export function checkLocksOptions(options: LocksOptions = {}): {
  readonly prefix: string | undefined;
  readonly defaults: CheckedDefaults;
} {
  knownOptions("options", options, [...DEFAULT_NAMES, "prefix"]);
  const { prefix } = options;
  if (prefix !== undefined) checkName("prefix", prefix);
  const standard: CheckedDefaults = {
    ttlMs: DEFAULT_LOCK_TTL_MS,
    waitMs: DEFAULT_LOCK_WAIT_MS,
    renew: true,
    maxHoldMs: Infinity,
    label: undefined,
    fair: true,
    reentrant: false,
  };
  return { prefix, defaults: merge(options, standard) };
}

/** The options of one claim, checked; `extra` names options that this kind of claim has besides. */
export function checkLockOptions(
  given: LockOptions | undefined,
  defaults: CheckedDefaults,
  extra: readonly string[] = [],
): CheckedLockOptions {
  const options = given ?? {};
  knownOptions("options", options, [...CALL_NAMES, ...extra] as (keyof LockOptions)[]);
  const { signal, aboveToken } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument("signal", signal, "an AbortSignal");
  }
  if (aboveToken !== undefined) position("aboveToken", aboveToken);
  // The spread comes last: fields added after one cost microseconds on Node 20.
  return { signal, aboveToken, ...merge(options, defaults) };
}

function merge(options: LockDefaults, defaults: CheckedDefaults): CheckedDefaults {
  const label = options.label ?? defaults.label;
  return {
    ttlMs: ttl("ttlMs", options.ttlMs ?? defaults.ttlMs, MIN_LOCK_TTL_MS),
    waitMs: orForEver(nonNegative, "waitMs", options.waitMs ?? defaults.waitMs),
    renew: flag("renew", options.renew ?? defaults.renew),
    maxHoldMs: orForEver(positive, "maxHoldMs", options.maxHoldMs ?? defaults.maxHoldMs),
    label: label === undefined ? undefined : boundedString("label", label, MAX_LEASE_DATA_BYTES),
    fair: flag("fair", options.fair ?? defaults.fair),
    reentrant: flag("reentrant", options.reentrant ?? defaults.reentrant),
  };
}

function orForEver(check: typeof positive, option: string, value: Ms): Ms {
  return value === Infinity ? value : check(option, value);
}

function flag(option: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw invalidArgument(option, value, "true or false");
}
