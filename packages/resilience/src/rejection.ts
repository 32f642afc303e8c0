/**
 * Rejections: errors of policies that let a call not pass. Nothing was sent.
 *
 * An open breaker may reject ten thousand calls a second. Their errors carry no stack: it would
 * point into the policy, and costs five times the rest.
 */
import { type ErrorCode, isQuorateError, QuorateError } from "@quorate/core";
import type { QuorateErrorOptions } from "@quorate/core";

const REJECTIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "BREAKER_OPEN",
  "BULKHEAD_FULL",
  "RATE_LIMITED",
  "THROTTLED",
]);

/** Codes of rejections. */
export type RejectionCode =
  | "BREAKER_OPEN"
  | "BULKHEAD_FULL"
  | "RATE_LIMITED"
  | "THROTTLED"
  | "OVERLOADED";

/** True for an error by which a policy of this process let a call not pass. */
export function isRejection(error: unknown): boolean {
  return isQuorateError(error) && REJECTIONS.has(error.code);
}

/** A rejection with effect `none`. */
export function rejection<C extends RejectionCode>(
  code: C,
  message: string,
  details: QuorateErrorOptions<C>["details"],
): QuorateError<C> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return new QuorateError(code, message, { effect: "none", details });
  } finally {
    Error.stackTraceLimit = limit;
  }
}
