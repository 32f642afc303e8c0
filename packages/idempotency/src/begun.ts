/**
 * What asking for a key comes to: an answer that is there already, or the right to make it.
 *
 * `run` is built on this, and so are `@quorate/http` and whoever answers in more than one step.
 * Whoever is given an `Execution` owes the key one ending: `complete`, `refuse`, `fail`,
 * `release`, `discard` or `hold`. If it is never given (a crash), the lease ends it.
 */
import type { FencingToken, Ms, QuorateError } from "@quorate/core";

/** What `work` is told of the run that it is. */
export interface WorkContext {
  /** The key, as the caller named it: pass it on to services that take idempotency keys. */
  readonly key: string;
  /**
   * Grows with every run of the key; never reused. Let the resource refuse smaller ones: only that
   * keeps a run which was paused beyond its lease from doing harm.
   */
  readonly fencingToken: FencingToken;
  /** An earlier run ended without an answer (crashed, paused, threw): it may have had effects. */
  readonly takeover: boolean;
  /** 1 for the first run of the key, 2 for the one after it ended without an answer. */
  readonly attempt: number;
  /**
   * Aborts when the caller's signal does, and with IDEMPOTENCY_SUPERSEDED when the lease is lost:
   * by the store's word, or because no renewal was confirmed in time by this process's clocks.
   */
  readonly signal: AbortSignal;
}

/** An answer, and whether it was made by this call. */
export interface Answer<T> {
  readonly value: T;
  /** True: made by another call of the key, and given again. */
  readonly replayed: boolean;
  /** When it was made, by the wall clock of who made it; for people, not for comparing. */
  readonly completedAtMs: Ms;
}

/** A run in hand: the right to answer for the key, and the duty to end it. */
export interface Execution<T = unknown> extends WorkContext {
  /**
   * Stores `value` as the key's answer, and resolves to the answer that counts: `value` as every
   * repeat will be given it, or the winner's where another run took over and answered.
   *
   * @throws IDEMPOTENCY_SUPERSEDED another took over and has not answered. Effect `unknown`.
   * @throws RESULT_UNENCODABLE it cannot be stored. Effect `applied`; by `onUnencodable` repeats
   *   are told the same.
   * @throws OUTCOME_UNKNOWN the store did not take it within the lease. Effect `applied`: the work
   *   ran. The key is held until the lease ends; asking again gives the answer or runs again.
   * @throws CLOSED the execution was ended before.
   */
  complete(value: T): Promise<Answer<T>>;
  /**
   * Stores the refusal (`refuse()` of core) as the key's answer.
   * @throws as `complete`; resolves to the winner's answer where another run gave one.
   */
  refuse(error: QuorateError<"REFUSED">): Promise<Answered<T>>;
  /** Stores name, message, code and effect of `error` as the key's answer. @throws as `complete` */
  fail(error: unknown): Promise<Answered<T>>;
  /**
   * Ends the lease now: the next call runs at once, with `takeover` and the next `attempt`.
   * Resolves to the winner's answer if another run gave one. Never throws: where the store does not
   * answer, the lease ends by itself.
   */
  release(): Promise<Answered<T> | undefined>;
  /** As `release`, and forgets the key: for work that certainly had no effect. Never throws. */
  discard(): Promise<Answered<T> | undefined>;
  /** Stops renewing: the key is held until the lease ends by itself. */
  hold(): void;
}

/** An answer that is there: to be returned, or thrown. */
export type Answered<T = unknown> =
  | ({ readonly kind: "replay" } & Answer<T>)
  /** The first run refused: throw `error`. */
  | {
      readonly kind: "refused";
      readonly error: QuorateError<"REFUSED">;
      readonly replayed: boolean;
    }
  /** The first run failed, and that is the answer: throw `error`. */
  | { readonly kind: "failed"; readonly error: Error; readonly replayed: boolean };

/** What `begin` resolves to. */
export type Begun<T = unknown> =
  | Answered<T>
  | { readonly kind: "claimed"; readonly execution: Execution<T> };
