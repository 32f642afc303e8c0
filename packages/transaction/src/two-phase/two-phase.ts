/**
 * Two-phase commit: all participants commit, or none does.
 *
 * For databases that can promise before they do (`PREPARE TRANSACTION`). Between its yes and the
 * decision a participant holds its locks and can do nothing alone; that is the price. Where it is
 * too high, take a saga or TCC.
 *
 * Guarantees: after a `run` that resolved, every participant has committed; after one that
 * rejected with effect `none`, none has, and none will. A lost coordinator blocks participants for
 * its lease, or the deadline and one exchange with the store, whichever ends first.
 * Does not guarantee: isolation between participants. One may show its commit before the next. Nor
 * anything where the store that keeps the decisions forgets an acknowledged write.
 *
 * Mohan, Lindsay, Obermarck, "Transaction Management in the R* Distributed Database Management
 * System", ACM TODS 11(4), 1986.
 */
import type { Ms } from "@quorate/core";
import type { Answer, HandleOf, Participant, Participants } from "./participant.ts";
import type { Decision } from "./record.ts";
import type { TwoPhaseContext } from "./run.ts";
import type { Swept } from "./sweep.ts";

/** Before anybody is served. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- nobody is what it says
export type Nobody = Record<never, never>;

/** Options of one `run`. */
export interface TwoPhaseRunOptions {
  /** Time until the decision. @default the `deadlineMs` of `createTwoPhase` */
  readonly deadlineMs?: Ms;
  /** Gives up: the transaction aborts, unless all have voted. */
  readonly signal?: AbortSignal | undefined;
}

/** The work of a transaction: it is given the handles of the participants that were named. */
export type TwoPhaseWork<P extends Participants, N extends keyof P, T> = (
  handles: { readonly [K in N]: HandleOf<P[K]> },
  context: TwoPhaseContext,
) => T | PromiseLike<T>;

/** A transaction that has not ended. */
export interface InDoubt {
  readonly id: string;
  /** `preparing`: nothing is decided, and past its deadline it never will be but by aborting. */
  readonly state: "preparing" | Decision;
  /** Since it began, by wall clocks. */
  readonly ageMs: Ms;
  /** Past its deadline: whoever asks for its decision aborts it. */
  readonly isLate: boolean;
  /** Who has not said that it carried the decision out; while preparing: all. */
  readonly participants: readonly string[];
  /** The worker that drives it; empty: nobody. */
  readonly owner: string;
}

/** Two-phase commit over the participants `P`. */
export interface TwoPhase<P extends Participants = Participants> extends AsyncDisposable {
  /**
   * Adds participants, by the names that they have in every process: any process that serves them
   * carries out what another left. Returns the same object, with their types.
   *
   * @throws INVALID_ARGUMENT a name is taken, or not a segment of at most 32 bytes.
   */
  serve<Q extends Record<string, Participant<unknown>>>(participants: Q): TwoPhase<P & Q>;
  /** Whether all that are served can do what they must. @throws UNSUPPORTED with the cure */
  ready(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Runs `work` on the named participants, then commits all or none. `id` names this piece of
   * business and is used once; at most 96 bytes, escaped. One participant that can commits alone,
   * without a record.
   *
   * Where `work` throws, all abort and its error is thrown.
   *
   * @throws TRANSACTION_ABORTED nothing of it stands: a no, the deadline, the signal.
   * @throws TRANSACTION_IN_DOUBT effect `applied`: it committed, and a participant is late. Effect
   *   `unknown`: `decision(id)` will tell.
   * @throws WRONG_STATE the id was run before. Nothing ran.
   * @throws OUTCOME_UNKNOWN one participant alone did not answer its commit.
   * @throws UNSUPPORTED a participant's server cannot prepare. Nothing ran.
   */
  run<const N extends keyof P & string, T>(
    id: string,
    names: readonly N[],
    work: TwoPhaseWork<P, N, T>,
    options?: TwoPhaseRunOptions,
  ): Promise<T>;
  /**
   * How `id` was decided. Past its deadline an undecided one is aborted by this very question.
   * `undefined`: there is no record of it. It may have yet to begin, or ended longer than
   * `retentionMs` ago, or was of one participant that committed alone.
   *
   * @throws RECORD_INVALID, or the store's error: ask again.
   */
  decision(
    id: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Answer | undefined>;
  /** Transactions that have not ended, oldest first; at most `limit`. @default limit 1000 */
  inDoubt(options?: {
    readonly limit?: number;
    readonly signal?: AbortSignal | undefined;
  }): Promise<readonly InDoubt[]>;
  /** Looks now for prepared branches that nobody carries out; done by itself each `sweepMs`. */
  sweep(options?: { readonly signal?: AbortSignal | undefined }): Promise<Swept>;
  /**
   * Refuses new transactions, waits up to `graceMs` for running ones, and gives the rest to other
   * workers. Backend, pools and a worker that was passed in stay open. Twice is fine.
   * @default graceMs 5000
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}
