/**
 * Idempotency: calls that are safe to repeat.
 *
 * The first call of a key runs; every other, at the same time or later, in this process or
 * another, is given the first one's answer. The answer is stored before anybody is told.
 *
 * Guarantees: at most one answer of a key is ever announced, until its TTL ends; a run that lost
 * its lease never announces its own, nor overwrites or removes its successor's record; another
 * request under the same key is refused at once; a store that does not answer keeps the work from
 * running.
 * Does not guarantee that work runs at most once: a run that is paused beyond its lease goes on
 * while another takes over. Pass `fencingToken` or `key` on to what the work writes to, and its
 * effects are applied once; or write record and effect in one transaction (`inTransaction`).
 */
import type { Ms } from "@quorate/core";
import type { Answer, Begun, WorkContext } from "./begun.ts";
import type { BeginOptions, RunOptions } from "./options.ts";
import type { Forgotten, ForgetOptions, KeyState } from "./peek.ts";
import type { Repeatable, WrapOptions, Wrapped } from "./wrap.ts";

/** The work of one key. */
export type Work<T> = (context: WorkContext) => T | PromiseLike<T>;

/** Idempotent calls on one backend. */
export interface Idempotency extends AsyncDisposable {
  /**
   * Runs `work` once for `key` and resolves to its answer, or to that of the run that was first.
   * Key, scope and fingerprint are taken before anything runs; what is changed later does not
   * matter.
   *
   * @throws IDEMPOTENCY_MISMATCH the key was used with another fingerprint. Nothing ran.
   * @throws IDEMPOTENCY_IN_FLIGHT it runs elsewhere, and `concurrent` is `reject` or the wait over.
   * @throws REFUSED the work refused, now or the first time.
   * @throws IDEMPOTENCY_SUPERSEDED, RESULT_UNENCODABLE, OUTCOME_UNKNOWN the work ran: see
   *   `Execution.complete`.
   * @throws STORE_UNAVAILABLE the store did not answer; the work did not run. Effect `none`.
   * @throws RECORD_INVALID the stored record is not ours; nothing ran.
   */
  run<T>(key: string, work: Work<T>, options?: RunOptions): Promise<T>;
  /** As `run`, and says whether the answer was there already. */
  runDetailed<T>(key: string, work: Work<T>, options?: RunOptions): Promise<Answer<T>>;
  /**
   * The half of `run` before the work: an answer, or an execution to be ended by the caller.
   * @throws as `run`, before anything ran.
   */
  begin<T = unknown>(key: string, options?: BeginOptions): Promise<Begun<T>>;
  /**
   * `fn` with the same signature, made safe to repeat. Its `this` is the context of its run.
   * Without `fingerprint` all arguments are the request, and must be JSON.
   */
  wrap<A extends readonly unknown[], T>(
    fn: Repeatable<A, T>,
    options: WrapOptions<A>,
  ): Wrapped<A, T>;
  /** What is known of `key`, without running anything; `undefined`: nothing. */
  peek(key: string, options?: PeekOptions): Promise<KeyState | undefined>;
  /** What is known of all keys, in no useful order, page by page. For people and tools. */
  list(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<KeyState>;
  /**
   * Removes what is known of `key`, so that the next call runs again. Told to the channel
   * `quorate:idempotency.forgotten` with `by` and `why`; resolves to what was removed.
   *
   * @throws IDEMPOTENCY_IN_FLIGHT it runs, and `evenIfRunning` was not said.
   */
  forget(key: string, options: ForgetOptions): Promise<Forgotten>;
  /**
   * Refuses new calls, ends waits with CLOSED, and waits up to `graceMs` for running work, which
   * then still runs to its end and stores its answer. The backend stays open.
   * @default graceMs 1000
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
}

/** Options of `peek`. */
export interface PeekOptions {
  /** Whose key it is. @default none */
  readonly scope?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}
