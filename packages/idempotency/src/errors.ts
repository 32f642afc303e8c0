/**
 * The errors of idempotent calls, each with its cure in the message.
 *
 * Keys are shown: they name the operation, and whoever is on call has to find it. Requests and
 * answers are not.
 */
import { type Effect, type FencingToken, type Ms, QuorateError, show } from "@quorate/core";

/** Longest pause that is asked of a caller who comes back for an answer. */
const LONGEST_RETRY_MS = 1_000;

/** IDEMPOTENCY_MISMATCH: the key is another request's. */
export function mismatchError(key: string): QuorateError<"IDEMPOTENCY_MISMATCH"> {
  const message =
    `the key ${show(key)} was used with another request; nothing ran. A key belongs to one ` +
    "request: make a new one, or find the two callers that share it";
  return new QuorateError("IDEMPOTENCY_MISMATCH", message, { effect: "none", details: { key } });
}

/** IDEMPOTENCY_IN_FLIGHT: a run is under way, whose lease has `leaseLeftMs` to go. */
export function inFlightError(
  key: string,
  why: string,
  leaseLeftMs: Ms,
): QuorateError<"IDEMPOTENCY_IN_FLIGHT"> {
  const retryAfterMs = Math.ceil(Math.min(LONGEST_RETRY_MS, Math.max(1, leaseLeftMs)));
  const message =
    `a call with the key ${show(key)} is running, and ${why}; this one did not run. Ask again ` +
    `with the same key in ${retryAfterMs} ms`;
  const details = { key, retryAfterMs };
  return new QuorateError("IDEMPOTENCY_IN_FLIGHT", message, { effect: "none", details });
}

/** What names one run. */
export interface RunFacts {
  readonly key: string;
  readonly fencingToken: FencingToken;
}

/** IDEMPOTENCY_SUPERSEDED: the run is not the key's any more, because of `why`. */
export function supersededError(
  { key, fencingToken }: RunFacts,
  why: string,
): QuorateError<"IDEMPOTENCY_SUPERSEDED"> {
  const message =
    `the run of ${show(key)} (token ${fencingToken}) has lost its lease: ${why}. What it did may ` +
    "stand twice where the fencing token is not used; ask again with the same key for the answer " +
    "that counts";
  const details = { key, fencingToken };
  return new QuorateError("IDEMPOTENCY_SUPERSEDED", message, { effect: "unknown", details });
}

/** RESULT_UNENCODABLE. */
export function unencodableError(key: string, reason: string): QuorateError<"RESULT_UNENCODABLE"> {
  const message =
    `the work of ${show(key)} ran, and its result cannot be stored: ${reason}. Return plain JSON ` +
    "values, or a reference to where the large result is";
  const details = { key, reason };
  return new QuorateError("RESULT_UNENCODABLE", message, { effect: "applied", details });
}

/** What a stored record lacks. */
export function recordInvalid(key: string, reason: string): QuorateError<"RECORD_INVALID"> {
  const message =
    `the record of ${show(key)} is not one of ours: ${reason}. It was left as it is, and nothing ` +
    "ran; look at it, then remove it by hand";
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}

/** OUTCOME_UNKNOWN of an ending: the work ran, and the store did not take what came of it. */
export function notStoredError(
  { key, fencingToken }: RunFacts,
  effect: Effect,
  cause: unknown,
): QuorateError<"OUTCOME_UNKNOWN"> {
  const message =
    `the work of ${show(key)} (token ${fencingToken}) ran, and the store did not take its answer ` +
    "within the lease. The key is held until the lease ends; ask again with the same key: if the " +
    "answer was stored after all it is given, else the work runs again";
  const details = { operation: "idempotency.complete", key };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect, details, cause });
}

/** STORE_UNAVAILABLE of a claim that was not answered: the work did not run, and will not. */
export function notClaimedError(key: string, cause: unknown): QuorateError<"STORE_UNAVAILABLE"> {
  const message =
    `the store did not say whether the key ${show(key)} is free, so the work did not run. Ask ` +
    "again with the same key; it may be held for one lease";
  const details = { operation: "idempotency.claim" };
  return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details, cause });
}

/** CLOSED: the execution was ended; a second ending is a mistake of the caller. */
export function endedError({ key, fencingToken }: RunFacts): QuorateError<"CLOSED"> {
  const what = `the execution of ${show(key)}`;
  const message = `${what} (token ${fencingToken}) was ended before; end it once`;
  return new QuorateError("CLOSED", message, { effect: "none", details: { what } });
}

/** What the work did. */
export interface WorkOutcome {
  readonly value: unknown;
}

// Beside the error and not on it: the value may be a secret, and errors get printed.
const outcomes = new WeakMap<object, WorkOutcome>();

/** `error`, remembering what the work had returned. */
export function withOutcome<E extends object>(error: E, value: unknown): E {
  outcomes.set(error, { value });
  return error;
}

/**
 * What the work returned, of an error with which the call failed although the work had ended
 * (OUTCOME_UNKNOWN, IDEMPOTENCY_SUPERSEDED, RESULT_UNENCODABLE); else `undefined`. It is not the
 * key's answer: do not act on it as if others would be told the same.
 */
export function workOutcome(error: unknown): WorkOutcome | undefined {
  return typeof error === "object" && error !== null ? outcomes.get(error) : undefined;
}
