/**
 * A lock in hand: what the holder sees of it.
 *
 * Two ways of learning about its end, because a process can be paused at any line. `signal` aborts
 * from a local timer, even while the store is mute; after a pause the timer runs only when the
 * event loop gets to it, so `check()` compares clocks at once and throws at the very line. Neither
 * can stop a write that is on its way: that is what `fencingToken` and the guard are for.
 *
 * Guarantees: loss is final; nothing is reported after a release. Does not guarantee: that nobody
 * else holds, beyond what `safety` says.
 */
import type { FencingToken, Ms } from "@quorate/core";
import type { LockKind } from "./target.ts";

/** How a release ended: given back, or over before. Both mean that it is not held any more. */
export type ReleaseAnswer = "released" | "expired";

/** What one lock and several locks have in common. */
export interface Hold extends AsyncDisposable {
  /** Aborts with LOCK_LOST on a loss, or CLOSED when `close()` takes it; not on release. */
  readonly signal: AbortSignal;
  /**
   * `lease`: exclusive while pauses and drift fit its margin. `best-effort`: a failover may forget
   * the grant.
   */
  readonly safety: "lease" | "best-effort";
  /** Conservative time left by both clocks of this process; 0: lost or released. */
  readonly remainingMs: Ms;
  /**
   * Gives back and hands over to the next in line. Never waits beyond the lease's own end; twice is
   * fine. `expired` is an answer: it had ended by itself.
   */
  release(): Promise<ReleaseAnswer>;
  /** As `release`, and never throws: it must not mask the error of the block that it ends. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** One lock, held. */
export interface Lock extends Hold {
  readonly kind: LockKind;
  readonly key: string;
  /** Greater than that of every grant of this key before. Hand it to what you write to. */
  readonly fencingToken: FencingToken;
  /** Share of the capacity. */
  readonly weight: number;
  /** Whether nobody else may hold meanwhile; false for readers and permits. A guard needs it. */
  readonly exclusive: boolean;
  /**
   * Reads both clocks and returns the token. Call it after whatever may have paused.
   *
   * @throws LOCK_LOST it is over, since whenever.
   * @throws CLOSED it was released.
   */
  check(): FencingToken;
  /**
   * At least `ms` of the lease left, renewing now if need be; returns the token.
   *
   * @throws LOCK_LOST it is over.
   * @throws INVALID_ARGUMENT `ms` is more than the TTL (less its margin) or `maxHoldMs` can give.
   * @throws the store's error where renewing failed; the lock is then still held.
   */
  ensure(ms: Ms): Promise<FencingToken>;
  /**
   * No more renewals: it ends by its TTL, and `close()` of the locks leaves it alone. For work that
   * could not be stopped in time: until the end of the TTL nobody else begins. `release` ends it
   * earlier still.
   */
  lapse(): void;
}

/** Several locks, held together. They have no common token: each resource needs its own key's. */
export interface LockSet extends Hold {
  /** In the order of their bytes, each once. */
  readonly keys: readonly string[];
  /** In the order of `keys`. */
  readonly locks: readonly Lock[];
  /** The lock of `key`. @throws INVALID_ARGUMENT it is not one of these. */
  get(key: string): Lock;
  /** As `Lock.check`, of all; the tokens in the order of `keys`. */
  check(): readonly FencingToken[];
  /** As `Lock.ensure`, of all. */
  ensure(ms: Ms): Promise<readonly FencingToken[]>;
}
