/**
 * The closed table of error codes: what each means for the caller, and the facts it carries.
 *
 * A code is API: it never changes its meaning. The table is an interface, so the type of
 * `error.details` follows from `error.code`.
 */

import type { Json } from "../json.ts";

/**
 * Details by code. Every value is safe to log: no payload, no credential. The one exception is
 * `REFUSED`, whose `data` is what the caller's own work chose to say.
 */
export interface ErrorDetails {
  /** The caller's mistake, found before anything was sent. Effect `none`. */
  INVALID_ARGUMENT: { readonly option: string; readonly value: string };
  /** A value or name over a bound. Effect `none`. */
  TOO_LARGE: { readonly option: string; readonly size: number; readonly limit: number };
  /** This engine, server version or set-up cannot do it safely. Effect `none`. */
  UNSUPPORTED: { readonly feature: string };
  /** The backend or handle was closed. Effect `none`. */
  CLOSED: { readonly what: string };
  /** The caller's signal aborted a write; the effect says whether it may have landed. */
  ABORTED: { readonly operation: string };
  /** The store was not asked, or refused before doing anything. Effect `none`: it will not land. */
  STORE_UNAVAILABLE: { readonly operation: string; readonly address?: string };
  /** The store answered that it will not serve us: password, rights, memory. Effect `none`. */
  STORE_REFUSED: { readonly operation: string; readonly reason: string };
  /** No answer to a write. Effect `unknown`; `error.resolve()` settles it. */
  OUTCOME_UNKNOWN: { readonly operation: string; readonly key?: string; readonly afterMs?: number };
  /** A read or a bus request was not answered in time. Effect: `none` for reads, else `unknown`. */
  TIMEOUT: { readonly operation: string; readonly timeoutMs: number };
  /** The store went back in time past what we have seen: a restored backup. Effect `unknown`. */
  REVISION_RESET: { readonly key: string; readonly seen: number; readonly found: number };
  /** A stored record is not one of ours, or is damaged. It was left as it is. Effect `none`. */
  RECORD_INVALID: { readonly key: string; readonly reason: string };
  /** Nobody listens on the subject. Effect `none`, told at once. */
  NO_RESPONDERS: { readonly subject: string };
  /** The lock did not come free within `waitMs`. Effect `none`. */
  LOCK_TIMEOUT: { readonly key: string; readonly waitMs: number; readonly holders: number };
  /** The lock was held and is no more; what the work did after the loss may race. */
  LOCK_LOST: { readonly key: string; readonly fencingToken: number; readonly reason: LossReason };
  /** This asynchronous context holds the key already; waiting would never end. Effect `none`. */
  SELF_DEADLOCK: { readonly key: string };
  /** The guard refused a token below its floor: somebody newer was here. Effect `none`. */
  STALE_TOKEN: { readonly resource: string; readonly fencingToken: number; readonly floor: number };
  /** The breaker is open or isolated: nothing was sent. `retryAfterMs` is unset when by hand. */
  BREAKER_OPEN: {
    readonly breaker: string;
    readonly state: "open" | "half-open" | "ramping" | "isolated";
    readonly retryAfterMs?: number;
  };
  /** The bulkhead and its queue are full, or the call left the queue unserved. Effect `none`. */
  BULKHEAD_FULL: { readonly bulkhead: string; readonly running: number; readonly queued: number };
  /** The rate limit has no permit within the time allowed. Effect `none`. */
  RATE_LIMITED: { readonly limiter: string; readonly retryAfterMs: number };
  /** The client holds back: the dependency refused too many of its calls. Effect `none`. */
  THROTTLED: { readonly throttle: string; readonly refusalRate: number };
  /** The server sheds load: it is too busy for this priority or deadline. Effect `none`. */
  OVERLOADED: { readonly reason: string; readonly retryAfterMs?: number };
  /** The work said no, for good: `refuse(reason, data)`. Effect `none`; a replay says the same. */
  REFUSED: { readonly reason: string; readonly data?: Json };
  /** The idempotency key was used with another request. Effect `none`. */
  IDEMPOTENCY_MISMATCH: { readonly key: string };
  /** A call with this idempotency key is running now. Effect `none` of this call. */
  IDEMPOTENCY_IN_FLIGHT: { readonly key: string; readonly retryAfterMs: number };
  /** Another took this call over while it ran, and has not answered yet. Effect `unknown`. */
  IDEMPOTENCY_SUPERSEDED: { readonly key: string; readonly fencingToken: number };
  /** The work ran and its result cannot be stored as it is. Effect `applied`. */
  RESULT_UNENCODABLE: { readonly key: string; readonly reason: string };
  /** The leadership was held and is no more; what the leader did after that may race. */
  LEADERSHIP_LOST: {
    readonly election: string;
    readonly term: number;
    readonly reason: LossReason | "resigned" | "transferred";
  };
  /** The leadership did not come within `waitMs`. Effect `none`. */
  ELECTION_TIMEOUT: { readonly election: string; readonly waitMs: number };
  /** Nobody of that name campaigns, so the leadership stayed where it was. Effect `none`. */
  NO_CANDIDATE: { readonly election: string; readonly candidate: string };
  /** The saga ended undone: every step that took effect was compensated. Effect `none`. */
  SAGA_COMPENSATED: {
    readonly saga: string;
    readonly id: string;
    /** The step that brought the decision; empty: a deadline or an operator. */
    readonly step: string;
    readonly reason: string;
  };
  /** The saga waits for an operator: `retry`, `skip`, `resolve` or `force`. Effect `unknown`. */
  SAGA_STUCK: { readonly saga: string; readonly id: string; readonly step: string };
  /** The saga had not ended when the wait did; it goes on. Effect `unknown`. */
  SAGA_PENDING: { readonly saga: string; readonly id: string; readonly state: string };
  /** The id belongs to an instance with another input or definition. Effect `none`. */
  INSTANCE_MISMATCH: { readonly id: string; readonly reason: string };
  /** A stored instance was started by another shape of this version. Left as it is: `none`. */
  DEFINITION_CHANGED: { readonly saga: string; readonly id: string; readonly version: number };
  /** The operator's verb does not apply in this state. Effect `none`. */
  WRONG_STATE: { readonly id: string; readonly verb: string; readonly state: string };
  /** Another worker drives this instance now; this one wrote nothing more. Effect `unknown`. */
  OVERTAKEN: { readonly id: string; readonly fencingToken: number };
  /** The transaction ended cancelled or aborted: nothing of it stands. Effect `none`. */
  TRANSACTION_ABORTED: { readonly id: string; readonly reason: string };
  /** The decision stands, or may stand, and is not carried out everywhere. See the effect. */
  TRANSACTION_IN_DOUBT: { readonly id: string; readonly participants: string };
  /** The barrier refused a call whose undo came first, or whose state forbids it: `none`. */
  BARRIER_REFUSED: { readonly branch: string; readonly asked: string; readonly have: string };
  /** The handler ran and failed. Effect: what the server knows of it, mostly `unknown`. */
  REMOTE_FAILED: {
    readonly service: string;
    readonly method: string;
    /** Of the contract; or the code of an error of ours that the handler met; or `internal`. */
    readonly error: string;
    /** What the contract lets the handler tell. */
    readonly data?: Json;
  };
  /** The other side has another contract. Effect `none`; once the handler had ended `applied`. */
  CONTRACT_MISMATCH: { readonly service: string; readonly method: string; readonly reason: string };
  /** Another process is a member under this name, at another address. Effect `none`. */
  MEMBER_CONFLICT: { readonly member: string; readonly address: string };
  /** A remote timestamp is further ahead of our wall clock than we trust. Effect `none`. */
  CLOCK_DRIFT: { readonly node: string; readonly aheadMs: number; readonly maxDriftMs: number };
  /** A simulation found a violation; the message says how to replay it. Effect `none`. */
  SIMULATION_FAILED: {
    /** In hexadecimal; `all`: no single one. */
    readonly seed: string;
    /** The claim that did not hold. */
    readonly claim: string;
    /** Virtual time since the run's start. */
    readonly atMs: number;
    /** The process in whose turn it was found; empty: none. */
    readonly node: string;
    /** How to run it again. */
    readonly replay: string;
  };
}

/** Every code that a `QuorateError` can carry. */
export type ErrorCode = keyof ErrorDetails;

/**
 * Whether the effect of the failed call happened: it did not and will not, we do not know,
 * or it did.
 */
export type Effect = "none" | "unknown" | "applied";

/**
 * Why a lease was lost: its time ran out on the holder's own clock, or the store says that it is
 * no longer ours.
 */
export type LossReason = "expired" | "superseded";

/** Codes after which the same call may succeed without anybody changing anything. */
export const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "STORE_UNAVAILABLE",
  "OUTCOME_UNKNOWN",
  "TIMEOUT",
  "NO_RESPONDERS",
  "LOCK_TIMEOUT",
  "BREAKER_OPEN",
  "BULKHEAD_FULL",
  "RATE_LIMITED",
  "THROTTLED",
  "OVERLOADED",
  "IDEMPOTENCY_IN_FLIGHT",
  "ELECTION_TIMEOUT",
  "SAGA_PENDING",
]);
