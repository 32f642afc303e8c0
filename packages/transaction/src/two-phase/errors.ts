/**
 * Errors of two-phase commit, each with its cure in the message.
 */
import { type Effect, QuorateError, safeCause, show } from "@quorate/core";

/** TRANSACTION_ABORTED: nothing of it stands. */
export function abortedError(
  id: string,
  reason: string,
  cause?: unknown,
): QuorateError<"TRANSACTION_ABORTED"> {
  const message = `${show(id)} aborted: ${reason}. Nothing of it stands; try again under a new id`;
  return new QuorateError("TRANSACTION_ABORTED", message, {
    effect: "none",
    details: { id, reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What keeps a transaction in doubt. */
export interface Doubt {
  readonly id: string;
  readonly participants: readonly string[];
  /** `applied`: it committed, and a participant is late. `unknown`: nobody could tell. */
  readonly effect: Extract<Effect, "applied" | "unknown">;
  readonly cause?: unknown;
}

/** TRANSACTION_IN_DOUBT. */
export function inDoubtError(doubt: Doubt): QuorateError<"TRANSACTION_IN_DOUBT"> {
  const { id, effect, cause } = doubt;
  const participants = doubt.participants.join(", ");
  const what =
    effect === "applied"
      ? `${show(id)} committed, and ${participants} did not carry it out in time; it is retried`
      : `it is not known whether ${show(id)} committed; ${participants} may hold locks until it is`;
  const message = `${what}. Do not run it again: ask decision(${show(id)})`;
  return new QuorateError("TRANSACTION_IN_DOUBT", message, {
    effect,
    // The same call again would be told that the id is used.
    retryable: false,
    details: { id, participants },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** WRONG_STATE: the id was used. */
export function usedError(id: string, state: string): QuorateError<"WRONG_STATE"> {
  const message =
    `${show(id)} was run before and is ${state}; nothing ran now. An id belongs to one piece of ` +
    "business: ask decision() what became of it, or make a new one";
  const details = { id, verb: "run", state };
  return new QuorateError("WRONG_STATE", message, { effect: "none", details });
}

/** OUTCOME_UNKNOWN of a participant that commits alone and did not answer. */
export function aloneUnknownError(
  id: string,
  participant: string,
  cause: unknown,
): QuorateError<"OUTCOME_UNKNOWN"> {
  const message =
    `${show(participant)} did not answer the commit of ${show(id)}: it may have happened. One ` +
    "participant alone has no second record of it: look for what the work wrote";
  const details = { operation: "two-phase.commit-alone", key: id };
  return new QuorateError("OUTCOME_UNKNOWN", message, {
    effect: "unknown",
    retryable: false,
    details,
    cause: safeCause(cause),
  });
}

/** UNSUPPORTED: the server cannot do it as it is set up; `cure` says what to change. */
export function unsupportedError(feature: string, cure: string): QuorateError<"UNSUPPORTED"> {
  const message = `${feature}: ${cure}`;
  return new QuorateError("UNSUPPORTED", message, { effect: "none", details: { feature } });
}
