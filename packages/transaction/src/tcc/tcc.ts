/**
 * TCC: try, confirm, cancel. Every participant reserves; when all have, all confirm; otherwise all
 * cancel.
 *
 * Use it where money or seats must not be visible halfway: a reservation is held until the
 * decision,
 * where a saga would do and undo. It costs every participant three operations instead of two.
 *
 * Guarantees: one decision per transaction, written by compare-and-set before anybody is told; no
 * branch is confirmed while another is cancelled; a decision is carried out as long as it takes, by
 * another worker if this one dies; a branch is registered before its try is sent, so none is
 * forgotten. Does not guarantee isolation beyond what the participants reserve, nor an end within
 * any
 * time: a participant that never answers holds its own branch up, and is named.
 */
import type { Json, Ms } from "@quorate/core";

import type { TccState } from "./machine.ts";
import type { ByHand, TccRunOptions } from "./options.ts";
import type { TccInput, TccParticipants, TccResult } from "./participant.ts";
import type { BranchStatus } from "./record.ts";
import type { TccDecision } from "./reservation.ts";

/** Options of one branch. */
export interface TccBranchOptions {
  /** The branch's name, for the second one of a participant. @default the participant's name */
  readonly as?: string;
}

/** One branch of `branches`. */
export type TccBranchCall<P extends TccParticipants> = {
  readonly [K in keyof P & string]: {
    readonly participant: K;
    readonly input: TccInput<P[K]>;
    readonly as?: string;
  };
}[keyof P & string];

/** A transaction, while its work runs. */
export interface TccTransaction<P extends TccParticipants = TccParticipants> {
  readonly id: string;
  /** Wall time at which it is cancelled unless it is decided. */
  readonly deadlineAtMs: Ms;
  /** Aborts when it is decided otherwise: a refusal, the deadline, a cancel, a lost lease. */
  readonly signal: AbortSignal;
  /**
   * Registers a branch, then tries it. Resolves to what the try returned. A rejection cancels the
   * transaction, whether or not it is caught. Branches that are begun in one turn are registered in
   * one write.
   *
   * @throws REFUSED the participant refused; or what its try threw last, attempts being used up.
   * @throws TRANSACTION_ABORTED it was decided meanwhile.
   */
  branch<K extends keyof P & string>(
    participant: K,
    input: TccInput<P[K]>,
    options?: TccBranchOptions,
  ): Promise<TccResult<P[K]>>;
  /** Several branches, registered in one write and tried side by side. */
  branches(calls: readonly TccBranchCall<P>[]): Promise<readonly unknown[]>;
}

/** A kind of transaction that this process serves. */
export interface TccKind<P extends TccParticipants> {
  readonly name: string;
  /** As `Tcc.run`, with the participants' types. */
  run<T extends Json | undefined | void>(
    options: TccRunOptions,
    work: (transaction: TccTransaction<P>) => T | PromiseLike<T>,
  ): Promise<T>;
}

/** A branch, as `inspect` shows it. Without its input, which may be a secret. */
export interface TccBranchView {
  readonly name: string;
  readonly participant: string;
  readonly status: BranchStatus;
  /** Confirms or cancels that failed. */
  readonly failures: number;
  /** Code of the last failure; empty: none. */
  readonly error: string;
}

/** A transaction, as `inspect` shows it. */
export interface TccView {
  readonly id: string;
  readonly name: string;
  readonly state: TccState;
  /** Why it is cancelled; empty while it is not. */
  readonly reason: string;
  readonly branches: readonly TccBranchView[];
  /** A branch fails to settle again and again, or kills its workers: somebody should look. */
  readonly isStuck: boolean;
  /** Wall times. */
  readonly startedAtMs: Ms;
  readonly deadlineAtMs: Ms;
  /** The worker that drives it; empty: nobody. */
  readonly owner: string;
}

/** Which transactions `list` shows. */
export interface TccListOptions {
  readonly state?: TccState;
  /** Only those that are stuck. @default false */
  readonly stuck?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Transactions by try, confirm and cancel. */
export interface Tcc extends AsyncDisposable {
  /**
   * Says who the participants of `name` are. Every process that may recover such a transaction says
   * the same; a name that is served by nobody waits. Once per name.
   */
  serve<P extends TccParticipants>(name: string, participants: P): TccKind<P>;
  /**
   * Runs `work`, which registers and tries branches; then confirms all, or cancels all. Resolves to
   * what `work` returned (JSON, at most 32 KiB) once every branch is confirmed. Asked again with
   * the
   * same id, it waits for the first one's end, and is told the same; `work` does not run again.
   *
   * @throws TRANSACTION_ABORTED every branch is cancelled: a refusal (as `cause`), an error of
   *   `work` (as `cause`), the deadline, `signal`, an operator, or a coordinator that died.
   * @throws TRANSACTION_IN_DOUBT it is decided, or may be, and was not carried out everywhere
   * within
   *   `settleMs`. It goes on by itself.
   * @throws INSTANCE_MISMATCH the id belongs to a transaction of another name. Nothing ran.
   */
  run<T extends Json | undefined | void>(
    name: string,
    options: TccRunOptions,
    work: (transaction: TccTransaction) => T | PromiseLike<T>,
  ): Promise<T>;
  /**
   * The decision on a transaction, for a participant that holds a reservation. Past the deadline
   * and
   * `skewMs`, an undecided transaction is cancelled by this question. One that has no record is
   * cancelled: presumed abort.
   */
  decision(id: string): Promise<TccDecision>;
  /**
   * Cancels a transaction that is not decided. Audited as `quorate:tcc.by-hand`.
   *
   * @throws WRONG_STATE it is decided, or unknown.
   */
  cancel(id: string, hand: ByHand): Promise<void>;
  /**
   * Says that somebody carried the decision out for one branch by hand, which cannot answer any
   * more. Audited as `quorate:tcc.by-hand`.
   *
   * @throws WRONG_STATE it is not decided, has ended, or has no such unsettled branch.
   */
  settle(id: string, branch: string, hand: ByHand): Promise<void>;
  /**
   * Goes on with a transaction that was left alone after `maxTakeovers`. Audited as
   * `quorate:tcc.by-hand`.
   *
   * @throws WRONG_STATE it is not left alone, or unknown.
   */
  retry(id: string, hand: ByHand): Promise<void>;
  /** A transaction as it is; `undefined`: no record. */
  inspect(id: string): Promise<TccView | undefined>;
  /** All that are stored. */
  list(options?: TccListOptions): AsyncIterable<TccView>;
  /**
   * Begins nothing more, waits up to `graceMs` for what is under way, leaves the rest to others. A
   * worker that was passed in stays open.
   * @default graceMs 5000
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}
