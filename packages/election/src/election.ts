/**
 * Leader election: of all who campaign under a name one leads, the others wait in line.
 *
 * `lead` is the safe default: it campaigns, works, steps down, and campaigns again after every
 * loss. `campaign` hands the term to the caller. Anybody may `observe`.
 *
 * Guarantees: at any time at most one candidate believes that it leads, by the clocks of the
 * candidates and within the safety of the engine; terms grow; the one that resigns hands over at
 * once, the one that crashes costs at most its TTL. Does not guarantee that a paused leader stops
 * before it writes: guard what it writes to (`createGuard`) and it cannot do harm.
 *
 * Gray and Cheriton, "Leases", 1989; Burrows, "The Chubby lock service", 2006.
 */
import type { Json, Ms } from "@quorate/core";
import type { Leadership, ResignAnswer } from "./leadership.ts";
import type { CampaignOptions, LeadOptions, WithinOptions } from "./options.ts";
import type { Leader, Observation } from "./view.ts";

/** Where this candidate stands. */
export type ElectionStanding =
  /** It does not campaign. */
  | "idle"
  | "campaigning"
  /** It asks again after a failure in a moment. */
  | "resting"
  | "leaving"
  /** Elected; the work begins after the lock-delay. */
  | "preparing"
  | "leading"
  /** The work was told to stop, and goes on. */
  | "stepping-down"
  | "giving-back";

/** An election as the store saw it, and as this candidate stands in it. */
export interface ElectionState {
  readonly election: string;
  readonly leader: Leader | undefined;
  /** Who waits, in order of the line; at most the first 1000. */
  readonly candidates: readonly { readonly candidate: string; readonly value: Json | undefined }[];
  /** This candidate. */
  readonly self: { readonly candidate: string; readonly standing: ElectionStanding };
}

/**
 * How a transfer ended. `elsewhere`: the named candidate was at the head of the line and did not
 * take it (it crashed or left); `leader`: who leads instead, if anybody was seen.
 */
export type TransferAnswer =
  | { readonly kind: "transferred"; readonly leader: Pick<Leader, "term" | "candidate"> }
  | {
      readonly kind: "elsewhere";
      readonly leader: Pick<Leader, "term" | "candidate"> | undefined;
    }
  | { readonly kind: "left-to-expire" };

/** One candidate in one election. */
export interface Election extends AsyncDisposable {
  readonly name: string;
  /** Name of this candidate. */
  readonly candidate: string;
  /** Whether this candidate leads now, by its own clocks, and was not told to step down. */
  readonly isLeader: boolean;
  /**
   * Campaigns, runs `work` while it leads, and campaigns again after every loss and transfer, until
   * the work ends of its own will, or `signal`, `resign()` or `close()` stops it. A store that is
   * away never ends it: it comes back with growing pauses.
   *
   * Resolves to what `work` returned; to `undefined` where it was stopped first. After a loss the
   * work's result is nobody's any more, and the work's end is waited for without a bound: two works
   * at once in one process must never be (`quorate:election.overdue` tells).
   *
   * @throws the work's error, when it throws while it leads; the leadership was given back.
   * @throws WRONG_STATE this candidate campaigns, or its last work still runs. CLOSED: closed.
   */
  lead<T>(
    work: (leadership: Leadership) => T | PromiseLike<T>,
    options?: LeadOptions,
  ): Promise<T | undefined>;
  /**
   * Waits in line for one term, and hands it to the caller, who ends its work and then resigns:
   * best by `await using`.
   *
   * @throws ELECTION_TIMEOUT not elected within `waitMs`. ABORTED `resign()` ended it. The signal's
   *   reason, or the store's error if it was away at the end of the wait.
   * @throws WRONG_STATE this candidate campaigns, or its last work still runs. CLOSED: closed.
   */
  campaign(options?: CampaignOptions): Promise<Leadership>;
  /**
   * Stops campaigning and leading: tells the work to stop, waits at most `withinMs` for its end,
   * and only then gives the leadership back, which hands it to the next in line. Work that has not
   * ended by then is cut off: the lease is left to run out, so nobody leads beside it. A term from
   * `campaign` has no work that it could wait for: it is given back at once.
   */
  resign(options?: WithinOptions): Promise<ResignAnswer>;
  /**
   * Hands the leadership to a candidate that waits in line, and goes back in line. The others let
   * it pass; then the work is told to stop, within `withinMs` in all. To be called by the leader,
   * and not awaited by its work.
   *
   * @throws NO_CANDIDATE nobody of that name waits. TIMEOUT the others did not let it pass in time.
   *   In both cases, and where the store fails before, this candidate leads on.
   * @throws WRONG_STATE this candidate does not lead.
   */
  transferTo(candidate: string, options?: WithinOptions): Promise<TransferAnswer>;
  /**
   * Who leads, as it changes: the present state first, then in the order of the terms, each elected
   * once. A slow reader skips terms. Ends by `signal` (rejecting with its reason) or by `close()`.
   */
  observe(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Observation>;
  /** Who leads, as the store knows it now. Informative only. */
  leader(options?: { readonly signal?: AbortSignal }): Promise<Leader | undefined>;
  /** Who leads, who waits, where this candidate stands. Informative only. */
  inspect(options?: { readonly signal?: AbortSignal }): Promise<ElectionState>;
  /**
   * Resigns, giving the work `graceMs` to end, and ends observers. The backend stays open.
   * @default graceMs the election's `resignWithinMs`
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}
