/**
 * A call as its handler sees it.
 *
 * Pass it on (`client.method(input, { call })`) and what the handler asks of others is part of the
 * same call: it ends with the same deadline and cancel, counts on the same tries, and belongs to
 * the same trace.
 */
import type { FencingToken, Ms, QuorateError } from "@quorate/core";
import type { ErrorGiven, ErrorName } from "./contract-types.ts";
import type { TraceContext } from "./trace.ts";
import type { Tries } from "./tries.ts";

/** What calls made on behalf of another take over from it. */
export interface Hop {
  /** Instant on this process's monotonic clock by which it must have ended. */
  readonly deadlineMs: Ms;
  /** Aborts when the call should stop. Made when first read. */
  readonly signal: AbortSignal;
  /** Higher is shed later. */
  readonly priority: number;
  /** What is left of the tries of all layers; shared with whatever is called on its behalf. */
  readonly tries: Tries;
  /** Its place in a trace, if the caller told one. */
  readonly trace: TraceContext | undefined;
}

/** What every handler is told. */
export interface CallFacts extends Hop {
  readonly service: string;
  readonly method: string;
  /** Number of the call, unique with `client`. */
  readonly id: number;
  /** One life of the calling process. */
  readonly client: string;
  /** Time left until the deadline, never negative. */
  readonly remainingMs: Ms;
  /** True once the caller cancelled, the deadline passed, or the server wants to stop. */
  readonly isCancelled: boolean;
  /** How often callers may make it again; `undefined`: not counted. */
  readonly triesLeft: number | undefined;
  /** Throws the signal's reason if the call should stop. Cheaper than reading `signal`. */
  check(): void;
}

/** What a keyed method's handler is told besides. */
export interface KeyedFacts {
  /** The caller's idempotency key. */
  readonly key: string;
  /**
   * Grows with every run of the key. Pass it to what the handler writes to: a run that was paused
   * beyond its lease is then refused there.
   */
  readonly fencingToken: FencingToken;
  /** An earlier run of the key ended without an answer: it may have had effects. */
  readonly takeover: boolean;
}

/** The call of one method: with a key where it is keyed, and with the contract's own errors. */
export type ServedCall<S> = CallFacts &
  (S extends { readonly repeat: "keyed" } ? KeyedFacts : { readonly key: undefined }) & {
    /**
     * An error of the contract, to be thrown: `throw call.fail("CardDeclined", { by: "issuer" })`.
     * One with effect `none` is a refusal: it is replayed for its key, and not retried.
     *
     * @throws INVALID_ARGUMENT the contract has no such error, or its schema refuses the data.
     */
    fail<N extends ErrorName<S>>(name: N, data: ErrorGiven<S, N>): QuorateError;
  };
