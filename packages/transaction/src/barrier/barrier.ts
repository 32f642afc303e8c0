/**
 * Barriers: what a participant puts around its work, so that calls may come twice, in the wrong
 * order, and late.
 *
 * The record of the barrier belongs to the participant, beside the participant's data; it is not
 * the
 * coordinator's. Three forms, from the strongest:
 *
 * - the data is in SQL: `barrierInTransaction` commits with your rows;
 * - the data is one JSON value in a kv store: `barrier.record(key)` keeps value and marks in one
 *   entry, and writes both at once;
 * - the effect is somewhere else (a payment provider, a mail): `barrier.try` and its kin write
 *   `trying` first, then run the work, then write `tried`. A crash in between leaves a doubt, and
 *   the next call runs the work again and says so: such work must be idempotent by its key.
 *
 * Guarantees: no work after its cancel; no cancel's work without a try's; one answer per operation.
 * Does not guarantee, in the third form only: that work which outlives its lease is over when its
 * cancel runs. Stop at `signal`, or pass `fencingToken` on.
 */
import type { FencingToken, Json, Ms } from "@quorate/core";

import type { BranchState } from "./machine.ts";
import type { GuardedRecord } from "./guarded-record.ts";
import type { PassOptions } from "./options.ts";
import type { TryOutcome } from "./record.ts";

/** What work is given. */
export interface PassContext {
  /** `<branch>/<operation>`: the same at every repeat. Pass it on as an idempotency key. */
  readonly key: string;
  /** `<transaction>/<step>`. */
  readonly branch: string;
  /** An earlier run of this work may have taken effect: look before you act, or act by `key`. */
  readonly repeated: boolean;
  /** Grows with every run of the branch's works: a guarded resource can refuse an old one. */
  readonly fencingToken: FencingToken;
  /** Aborts when the lease of this run is over, and with the caller's signal. */
  readonly signal: AbortSignal;
}

/** What the work of a confirm or a cancel is given. */
export interface SettleContext extends PassContext {
  /** What is known of the try. A cancel whose try never ran, or was refused, runs no work. */
  readonly outcome: TryOutcome;
  /** What the try returned, where it is known. */
  readonly tried: Json | undefined;
}

/** Work in a barrier. What it returns is stored: small JSON. */
export type PassWork<T, C = PassContext> = (context: C) => T | PromiseLike<T>;

/** A branch, as it is now. */
export interface BranchView {
  readonly branch: string;
  readonly state: BranchState;
  /** Runs of the present operation's work so far. */
  readonly attempts: number;
  /** Of the run under way; 0: nobody is at work. */
  readonly leaseLeftMs: Ms;
  /** Until it is forgotten. */
  readonly expiresInMs: Ms | undefined;
}

/** The participant's guard. */
export interface Barrier {
  /**
   * A saga's action, by the `key` that its step was given (`order-7/charge/do`). Runs `work` once;
   * a repeat is given what it returned, or the refusal that it threw.
   *
   * @throws BARRIER_REFUSED the step was undone before: a late duplicate. Nothing ran.
   * @throws IDEMPOTENCY_IN_FLIGHT another call is at work and did not end within `waitMs`.
   * @throws REFUSED the work refused, now or the first time.
   * @throws OUTCOME_UNKNOWN the work ran, and the store did not take its answer.
   */
  run<T>(key: string, work: PassWork<T>, options?: PassOptions): Promise<T>;
  /**
   * A saga's undo, by its key (`order-7/charge/undo`). `work` runs if the action ran, or may have;
   * otherwise a tombstone is written, which keeps the action out for ever, and `undefined`
   * returned.
   */
  undo<T>(
    key: string,
    work: PassWork<T, SettleContext>,
    options?: PassOptions,
  ): Promise<T | undefined>;
  /** The try of a TCC's branch (`transfer-9/debit`). As `run`. */
  try<T>(branch: string, work: PassWork<T>, options?: PassOptions): Promise<T>;
  /**
   * The confirm of a branch that was tried.
   *
   * @throws BARRIER_REFUSED it was not tried (repeat it), or it was cancelled (alert: a conflict).
   */
  confirm<T>(branch: string, work: PassWork<T, SettleContext>, options?: PassOptions): Promise<T>;
  /**
   * The cancel of a branch. As `undo`.
   *
   * @throws BARRIER_REFUSED it was confirmed (alert: a conflict).
   */
  cancel<T>(
    branch: string,
    work: PassWork<T, SettleContext>,
    options?: PassOptions,
  ): Promise<T | undefined>;
  /**
   * One JSON value that is changed under the barrier, in one write with the barrier's marks: exact,
   * without leases and repeats. `key` is any key of the kv store that is this record's alone.
   */
  record<V extends Json>(key: string, options: GuardedRecordOptions<V>): GuardedRecord<V>;
  /** A branch as it is now; `state` is `"none"` for one that was never seen, or is forgotten. */
  inspect(branch: string, options?: { readonly signal?: AbortSignal }): Promise<BranchView>;
}

/** Options of `barrier.record`. */
export interface GuardedRecordOptions<V> {
  /** The value before the first change. */
  readonly empty: V;
  /**
   * Branches remembered at most, none of them older than the barrier's `retentionMs`. A change
   * beyond that is refused, since forgetting a young tombstone would let a late try in.
   *
   * @default 1000
   */
  readonly maxMarks?: number;
}
