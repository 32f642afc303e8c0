/**
 * Errors of the kernel.
 */
import { type FencingToken, QuorateError, show } from "@quorate/core";

/** Somebody else writes this instance now. */
export function overtakenError(id: string, fencingToken: FencingToken): QuorateError<"OVERTAKEN"> {
  const message = `${show(id)} was taken over by another worker; this one wrote nothing more`;
  return new QuorateError("OVERTAKEN", message, {
    effect: "unknown",
    details: { id, fencingToken },
  });
}

/** What is stored is not one of our records. */
export function recordInvalid(key: string, reason: string): QuorateError<"RECORD_INVALID"> {
  const message = `the record ${show(key)} was left as it is: ${reason}`;
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}
