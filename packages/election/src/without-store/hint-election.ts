/**
 * An election without a store, as its user sees it: a hint who leads.
 *
 * A hint costs no store and no quorum, and is worth what timeouts are worth: under a partition, or
 * while a member is paused, two may lead. It is good for what may happen twice (warming a cache,
 * preferring one for a log), and for choosing who tries first. What must not happen twice needs an
 * epoch: give `epochs`, and the member that was elected claims a lease before it believes.
 */
import type { Backend, Ms } from "@quorate/core";
import type { Lock } from "@quorate/lock";
import type { RankOrder } from "./members.ts";
import type { HintTimingOptions } from "./timing.ts";

/** Options of an election without a store. All members should have the same, but for `self`. */
export interface HintElectionOptions extends HintTimingOptions {
  /** This process's id: 1 to 128 bytes without `/`. No other living process may have it. */
  readonly self: string;
  /**
   * All ids, `self` among them, at most 256; their order is the ring's. A function is asked again
   * at most once a heartbeat; a bad list of its is ignored, and told by `hint.ignored`.
   */
  readonly members: readonly string[] | (() => readonly string[]);
  /** Order of rank: the greatest living member leads. @default by the bytes of the id */
  readonly compare?: RankOrder;
  /**
   * Where the elected member claims its epoch, a lease with a fencing token, before it believes.
   * May be another engine than the bus. @default no epochs: hints only
   */
  readonly epochs?: Backend;
  /** The lease's length, so the longest time without a leader after a crash. @default 10000 */
  readonly epochTtlMs?: Ms;
}

/** Whom a member takes for the leader, at one moment. */
export interface LeaderHint {
  /** `undefined`: nobody is known, or an election is under way. */
  readonly leader: string | undefined;
  readonly isSelf: boolean;
  /** The fencing token of its epoch: granted to us, or as the leader says. */
  readonly epoch: number | undefined;
}

/** An epoch in hand: a holder as guards know it (`createGuard`), whose token they check. */
export type Epoch = Pick<
  Lock,
  "fencingToken" | "exclusive" | "signal" | "remainingMs" | "safety" | "check"
>;

/**
 * One member of an election without a store.
 *
 * Guarantees: with `epochs`, a member that names itself holds the lease of its epoch at that
 * moment, and each epoch's token is greater than all before it. Does not guarantee: one leader.
 */
export interface HintElection extends AsyncDisposable {
  readonly name: string;
  readonly self: string;
  /** The hint now; lapses by itself when the leader was not heard for `suspectAfterMs`. */
  readonly hint: LeaderHint;
  /** As `hint.leader`. */
  readonly leader: string | undefined;
  /**
   * This member's own epoch, while it holds one. Its `check()` throws LOCK_LOST when the lease is
   * over; its `signal` aborts then. `undefined` without `epochs`, or where another leads.
   */
  readonly epoch: Epoch | undefined;
  /**
   * Begins to take part; resolves when the bus knows. Twice is fine; after a failure try again.
   *
   * @throws STORE_UNAVAILABLE the bus cannot be reached.
   * @throws CLOSED it was closed.
   */
  start(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** The hint now, then each later one; unread ones are skipped. Ends by signal or `close()`. */
  observe(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<LeaderHint>;
  /** Takes part no more. A leader says so first, and gives its epoch back. Twice is fine. */
  close(): Promise<void>;
}
