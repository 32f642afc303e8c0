/**
 * Leadership: one term in the hands of its leader.
 *
 * A term is a lease, and its number is the lease's fencing token: whoever leads later has a greater
 * one, so what a leader writes can be refused when it comes late. Two ways of learning of the end,
 * because a process can be paused at any line: `signal` aborts from a local timer, `check()`
 * compares clocks on the spot.
 *
 * Guarantees: an end is final, and told by this process's own clocks whether or not the store
 * answers. Does not guarantee that a paused leader stops before it writes: a guard does
 * (`createGuard`, to which a leadership is a holder like any lock).
 */
import type { FencingToken, Json, Ms } from "@quorate/core";
import type { TokenHolder } from "@quorate/lock";

/**
 * How a leadership was given up. `released`: the next in line leads now. `expired`: it had ended
 * before. `left-to-expire`: the work had not ended in time, or the store cannot be reached, so
 * nobody else leads before the lease has run out. `not-leading`: there was none to give up.
 */
export type ResignAnswer = "released" | "expired" | "left-to-expire" | "not-leading";

/** One term, held. */
export interface Leadership extends TokenHolder, AsyncDisposable {
  readonly election: string;
  /** Name of this candidate. */
  readonly candidate: string;
  /** Number of the term: its fencing token. Greater than that of every leader before. */
  readonly term: FencingToken;
  /** The term, as guards call it. */
  readonly fencingToken: FencingToken;
  /** As of a lock that nobody shares. */
  readonly exclusive: true;
  /**
   * Aborts with LEADERSHIP_LOST when it is over or shall be: lost, resigned, handed over. The work
   * under it then has to end.
   */
  readonly signal: AbortSignal;
  /**
   * Whether to begin something new: it is held by both clocks of this process, and was not told to
   * step down.
   */
  readonly isLeader: boolean;
  /** Conservative time left by both clocks of this process; 0: over. Renewal starts it anew. */
  readonly remainingMs: Ms;
  /**
   * Reads both clocks and returns the token. Call it after whatever may have paused. While stepping
   * down it still passes, so that what was begun can be finished.
   *
   * @throws LEADERSHIP_LOST it is over, since whenever.
   */
  check(): FencingToken;
  /**
   * Shows observers another value during this term: JSON, with the candidate's name at most 4 KiB.
   *
   * @throws LEADERSHIP_LOST it is over. STALE_TOKEN a newer leader has published.
   * @throws TOO_LARGE, INVALID_ARGUMENT nothing was sent. OUTCOME_UNKNOWN publish it again.
   */
  publish(value: Json, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Gives it up. Under `campaign` at once: end the work before. Under `lead` as
   * `election.resign()`, which waits for the work: do not await it from within.
   */
  resign(): Promise<ResignAnswer>;
  /** As `resign`, and never throws. */
  [Symbol.asyncDispose](): Promise<void>;
}
