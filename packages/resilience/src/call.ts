/**
 * A call: what the work and the policies around it know of it.
 *
 * One object travels from the outermost policy to the work. It says which attempt this is, how
 * long there is left, and whether the work may be repeated; its signal is made when it is first
 * read, because an `AbortController` costs more than all policies together on Node 20.
 *
 * Guarantees: `signal` aborts when the caller cancels, when the deadline passes, and when another
 * attempt has won, with that as its reason. Does not guarantee that the work stops: work that
 * ignores its signal runs on, is reported as leaked, and keeps its place in a bulkhead.
 */
import type { Ms } from "@quorate/core";

/**
 * Whether the work may run twice: `safe`: it changes nothing, or the same way each time; `keyed`:
 * the other side recognises the call's `key`; `unsafe`: neither.
 */
export type Repeat = "safe" | "keyed" | "unsafe";

/** One attempt at the work, as its policies and the work see it. */
export interface Call {
  /** 1 for the first; retries and hedges count on. */
  readonly attempt: number;
  /** Instant on the runtime's monotonic clock by which this must have ended; Infinity: none. */
  readonly deadlineMs: Ms;
  /** Time left until the deadline, never negative; Infinity: no deadline. */
  readonly remainingMs: Ms;
  /** Idempotency key of the call, the same on all attempts. */
  readonly key: string | undefined;
  /** Whether it may run more than once. */
  readonly repeat: Repeat;
  /** Higher is shed later; 0 unless given. */
  readonly priority: number;
  /** True once the caller's signal aborted, or another attempt won. */
  readonly isCancelled: boolean;
  /** Aborts when this attempt should stop. Made when first read. */
  readonly signal: AbortSignal;
  /** Throws the signal's reason if the attempt should stop. Cheaper than reading `signal`. */
  check(): void;
}

/** What a policy runs. A plain value, a promise and a thenable are all welcome. */
export type Work<T> = (call: Call) => T | PromiseLike<T>;

/** Options of one call. */
export interface RunOptions {
  /** Cancels the call: it rejects at once with the signal's reason, also while waiting. */
  readonly signal?: AbortSignal | undefined;
  /** Idempotency key, which the other side recognises; makes the call `keyed`. */
  readonly key?: string | undefined;
  /** Whether the work may run twice. @default "keyed" with a key, else "unsafe" */
  readonly repeat?: Repeat | undefined;
  /** Time from now in which the call must end. @default Infinity */
  readonly timeoutMs?: Ms | undefined;
  /** Instant on the runtime's monotonic clock: pass on `call.deadlineMs`. @default Infinity */
  readonly deadlineMs?: Ms | undefined;
  /** Higher is shed later. @default 0 */
  readonly priority?: number | undefined;
  /**
   * The work itself ends by `call.deadlineMs`, so no timer is kept for it; pauses and queues are
   * bounded all the same. Of no effect with a `signal`. @default false
   */
  readonly keepsDeadline?: boolean | undefined;
}
