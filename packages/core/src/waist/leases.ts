/**
 * leases: a claim of some weight on some capacity, under a name, for a time that the store keeps.
 *
 * One mechanism, five primitives. Weight 1 of capacity 1 is a mutex, or leadership; weight w of n
 * a semaphore; readers of weight 1 beside writers of the whole capacity a read-write lock; a claim
 * per member a registry. The queue is part of the store's state, so fairness, hand-over and
 * recovery from crashes are one thing too.
 *
 * Guarantees: at any moment of the store's clock the weights of the grants alive under a name,
 * as each claim was judged, fit their capacity; each grant's fencing token is greater than every
 * one before it under that name. Does not guarantee: that a holder stops. A paused holder wakes up
 * and believes; that is what the token is for.
 */
import type { CallOptions, FencingToken, ListOptions, Ms, Stale, Synced } from "./common.ts";
import type { WatchOptions } from "./common.ts";

/** What is asked for. */
export interface LeaseRequest extends CallOptions {
  /**
   * Random name of this claim (`runtime.ids`), 1 to 128 bytes. Asking again with it, while it holds
   * or waits, is the same claim: the same grant, the same place in line.
   */
  readonly owner: string;
  /** How long the lease lasts without renewal, on the store's clock. At least `minTtlMs`. */
  readonly ttlMs: Ms;
  /** How long to stand in line. 0: answer at once. @default 0 */
  readonly waitMs?: Ms;
  /** Share of the capacity, 1 to `capacity`. @default 1 */
  readonly weight?: number;
  /** The whole, as this claim sees it: granted if it and all held weights fit in. @default 1 */
  readonly capacity?: number;
  /** In order of arrival at the store; `false` overtakes the line when it fits. @default true */
  readonly fair?: boolean;
  /** Shown to observers, at most 4096 bytes. Not a place for secrets. */
  readonly data?: string;
}

/** A claim that holds. */
export interface Grant {
  readonly granted: true;
  readonly name: string;
  readonly owner: string;
  readonly fencingToken: FencingToken;
  readonly weight: number;
  readonly ttlMs: Ms;
  /**
   * Conservative end on the caller's monotonic clock: counted from before the request left, or, for
   * a grant by push, from what is known of the server's clock. Read it where it is needed instead
   * of keeping a copy: an engine may move it on when the store has heard from the holder.
   */
  readonly validUntilMs: Ms;
  /** The same end on the caller's wall clock, to notice that the machine slept. */
  readonly validUntilWallMs: Ms;
}

/** A claim that did not come through. It has left the line; nothing is held. */
export interface Refusal {
  readonly granted: false;
  readonly holders: readonly LeaseHolder[];
}

/** One who holds. */
export interface LeaseHolder {
  readonly owner: string;
  readonly fencingToken: FencingToken;
  readonly weight: number;
  /** What is left on the store's clock when it answered. */
  readonly expiresInMs: Ms;
  readonly data?: string;
}

/** One who stands in line. */
export interface LeaseWaiter {
  readonly owner: string;
  readonly weight: number;
  readonly data?: string;
}

/** What the store knows about a name. */
export interface LeaseState {
  readonly name: string;
  /** In order of their tokens. */
  readonly holders: readonly LeaseHolder[];
  /** In order of the line; at most the first 1000. */
  readonly waiters: readonly LeaseWaiter[];
}

/** One step of a watch on leases. Unread steps of a claim that came and went may be skipped. */
export type LeaseEvent =
  | { readonly kind: "granted"; readonly name: string; readonly holder: LeaseHolder }
  | {
      readonly kind: "ended";
      readonly name: string;
      readonly owner: string;
      readonly fencingToken: FencingToken;
      readonly reason: "released" | "expired" | "unknown";
    }
  | Synced
  | Stale;

/** Answer to one renewal. `lost` is definite; where nobody knows, `renew` throws instead. */
export type Renewal = "renewed" | "lost";

/** Claims with a time. */
export interface LeaseStore {
  /**
   * Claims. Waits at most `waitMs` in line. A grant may be handed over by push; a grantee from
   * whom the store does not hear within its claim window (500 ms, at most the TTL) has lost its
   * turn, and knows it by `validUntilMs`, which until then ends with that window.
   *
   * A late grant is not one: if the answer comes when `validUntilMs` has passed, the claim is given
   * back and asked for again while `waitMs` lasts, else refused.
   *
   * Aborted: leaves the line, gives back what may have been granted in that instant, and rejects
   * with the signal's reason; where the store cannot be reached the TTL does the giving back.
   *
   * `timeoutMs` bounds each exchange with the store, not the wait.
   *
   * @throws OUTCOME_UNKNOWN asked, no answer: the claim may hold until its TTL; ask again with the
   *   same owner, or `release` it.
   */
  acquire(name: string, request: LeaseRequest): Promise<Grant | Refusal>;

  /**
   * Renews many at once for `ttlMs` of each grant, in as few commands as the engine can. Answers
   * in the order given. Never brings back a lease that ended.
   */
  renew(grants: readonly Grant[], options?: CallOptions): Promise<readonly Renewal[]>;

  /** Gives back, and hands over to the next in line in the same step. Twice is fine. */
  release(grant: ReleasableGrant, options?: CallOptions): Promise<"released" | "expired">;

  /** Who holds, who waits. */
  inspect(name: string, options?: CallOptions): Promise<LeaseState>;

  /** Names below `prefix` that are held or waited for, in the order of their bytes. */
  list(prefix: string, options?: ListOptions): AsyncIterable<LeaseState>;

  /** State first, then grants and ends, in order for one name. As `KvStore.watch` otherwise. */
  watch(target: string, options?: WatchOptions): AsyncIterableIterator<LeaseEvent>;
}

/** What `release` needs of a grant; after an unknown outcome the owner alone is known. */
export type ReleasableGrant = Pick<Grant, "name" | "owner"> & Partial<Grant>;
