/**
 * The errors of this adapter, each with its effect and its cure.
 *
 * One place, so that the same situation is told in the same words by every call. Client errors
 * pass through `safeCause`; server texts are scrubbed: no credentials, no payloads.
 */
import { QuorateError, safeCause, scrub } from "@quorate/core";
import type { Effect, Ms, Resolve } from "@quorate/core";

/** What is closed by `close()`, for messages. */
export const WHAT = "the nats backend";

/** Not asked, and it will not land later. Effect `none`. */
export function unavailable(
  operation: string,
  why: string,
  options: { readonly cause?: unknown; readonly retryable?: boolean } = {},
): QuorateError<"STORE_UNAVAILABLE"> {
  return new QuorateError("STORE_UNAVAILABLE", `${operation}: ${why}; it did not happen`, {
    effect: "none",
    details: { operation },
    ...(options.cause === undefined ? {} : { cause: safeCause(options.cause) }),
    ...(options.retryable === undefined ? {} : { retryable: options.retryable }),
  });
}

/** A read without an answer. Effect `none`. */
export function readTimeout(operation: string, timeoutMs: Ms): QuorateError<"TIMEOUT"> {
  const message = `${operation} was not answered in ${timeoutMs} ms; nothing was changed`;
  return new QuorateError("TIMEOUT", message, {
    effect: "none",
    details: { operation, timeoutMs },
  });
}

/** A write without a conclusive answer. Effect `unknown`. */
export function outcomeUnknown(
  operation: string,
  facts: { readonly key: string; readonly afterMs: Ms; readonly why: string },
  resolve: Resolve,
): QuorateError<"OUTCOME_UNKNOWN"> {
  const afterMs = Math.round(facts.afterMs);
  const message =
    `${operation}: ${facts.why} after ${afterMs} ms; it may have happened or may still happen; ` +
    "error.resolve() settles it";
  const details = { operation, key: facts.key, afterMs };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details, resolve });
}

/** The server says that it will not serve us. */
export function refused(
  operation: string,
  reason: string,
  effect: Effect = "none",
): QuorateError<"STORE_REFUSED"> {
  const text = scrub(reason);
  const cure = "check the user's rights and the account's JetStream limits";
  const message = `${operation}: the NATS server refused: ${text}; ${cure}`;
  return new QuorateError("STORE_REFUSED", message, {
    effect,
    details: { operation, reason: text },
  });
}

/** The caller's signal ended a write. */
export function aborted(
  operation: string,
  effect: "none" | "unknown",
  options: { readonly cause: unknown; readonly resolve?: Resolve },
): QuorateError<"ABORTED"> {
  const what = effect === "none" ? "it did not happen" : "it may have happened";
  return new QuorateError("ABORTED", `${operation} was aborted; ${what}`, {
    effect,
    details: { operation },
    ...options,
  });
}

/** A stored message that is not one of ours. Effect `none`. */
export function recordInvalid(key: string, reason: string): QuorateError<"RECORD_INVALID"> {
  const message = `the message stored for ${key} is not a record of Quorate: ${reason}`;
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}

/** The store went back in time. Effect `unknown`. */
export function revisionReset(
  key: string,
  seen: number,
  found: number,
): QuorateError<"REVISION_RESET"> {
  const message =
    `the stream went back from revision ${seen} to ${found}: a restored backup or lost disk ` +
    "writes; tell guards their floors still hold, and check what else was lost";
  return new QuorateError("REVISION_RESET", message, {
    effect: "unknown",
    details: { key, seen, found },
  });
}

/** Why there is no link, as an error. Effect `none`. */
export function unreachable(
  operation: string,
  link: { readonly released: boolean; readonly closedForEver: boolean },
  why: string,
): Error {
  if (link.released) {
    const details = { what: WHAT };
    return new QuorateError("CLOSED", `${WHAT} was closed; open a new one`, {
      effect: "none",
      details,
    });
  }
  return link.closedForEver ? closedForEver(operation) : unavailable(operation, why);
}

/** The client gave up reconnecting. Effect `none`. */
export function closedForEver(operation: string): QuorateError<"STORE_UNAVAILABLE"> {
  const cure = "connect with maxReconnectAttempts: -1, and open a new connection now";
  const why = `the NATS client has closed for ever; ${cure}`;
  return unavailable(operation, why, { retryable: false });
}
