/**
 * Participants: who takes part in a transaction, and what they are told.
 *
 * A try reserves and can refuse; a confirm uses what the try reserved, and cannot refuse; a cancel
 * gives it back, and must succeed for a try that never came. All three may come twice, and a try
 * may
 * come after its cancel: that is what a barrier at the participant is for (`createBarrier`,
 * `barrierInTransaction`), with `branch` as its branch.
 */
import type { FencingToken, Json, Ms } from "@quorate/core";

import type { Reservation } from "./reservation.ts";

/** What every call of a participant is told. */
export interface BranchContext<I = Json> {
  /** The transaction's. */
  readonly id: string;
  /** `<id>/<branch>`: the barrier's branch. */
  readonly branch: string;
  /** `<id>/<branch>/<try, confirm or cancel>`: the same at every repeat. Pass it on. */
  readonly key: string;
  readonly input: I;
  /** From 1; of the confirms and cancels as far as the record has counted. */
  readonly attempt: number;
  /** Grows with each takeover of the transaction. */
  readonly fencingToken: FencingToken;
  /** Aborts at `callTimeoutMs`, when this worker is overtaken, and a try's at the deadline. */
  readonly signal: AbortSignal;
}

/** What a try is told besides. */
export interface TryContext<I = Json> extends BranchContext<I> {
  /** Keep it with what is reserved: see `mayFree`. */
  readonly reservation: Reservation;
  /** Wall time at which an undecided transaction is cancelled. */
  readonly deadlineAtMs: Ms;
}

/** One kind of branch. */
export interface TccParticipant<I = Json, R = unknown> {
  /** Reserves. Throws `refuse()` for a definite no; every other error is asked again. */
  try(context: TryContext<I>): R | PromiseLike<R>;
  /** Uses what was reserved. Asked until it resolves: it must not refuse. */
  confirm(context: BranchContext<I>): unknown;
  /** Gives back what was reserved, if anything was. Asked until it resolves. */
  cancel(context: BranchContext<I>): unknown;
}

/** Participants by name. */
export type TccParticipants = Readonly<Record<string, TccParticipant>>;

/** The input of a participant. */
export type TccInput<P> = P extends { try(context: TryContext<infer I>): unknown } ? I : never;

/** What a participant's try returns. */
export type TccResult<P> = P extends { try(context: never): infer R } ? Awaited<R> : never;
