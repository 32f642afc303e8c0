/**
 * What an outcome says of the dependency: it works, it is faulty, or nothing.
 *
 * Counted against a dependency is only what it did itself. Not: calls that never reached it
 * because a policy of ours rejected them, calls that the caller cancelled, and answers that say
 * that the caller was wrong. A timeout and an unknown outcome count.
 */
import { effectOf, type ErrorCode, isQuorateError } from "@quorate/core";

import type { Call } from "./call.ts";
import { isRejection } from "./rejection.ts";

/** `ok`: it works; `fault`: it does not; `ignore`: says nothing, is not counted. */
export type Verdict = "ok" | "fault" | "ignore";

/** How a call ended. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

/** Judges an outcome. A classifier that throws, or says something else, is not followed. */
export type Classify = (outcome: Outcome, call: Call) => Verdict;

/** Our own errors that are answers, not faults. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "INVALID_ARGUMENT",
  "TOO_LARGE",
  "UNSUPPORTED",
  "REFUSED",
  "IDEMPOTENCY_MISMATCH",
  "IDEMPOTENCY_IN_FLIGHT",
  "STALE_TOKEN",
  "SELF_DEADLOCK",
  "ABORTED",
]);

/** Request Timeout and Too Many Requests are 4xx that say something of the server. */
const FAULTY_4XX: ReadonlySet<number> = new Set([408, 429]);

/** The verdict on an error, unless a classifier knows better. */
export function classifyError(error: unknown, call: Pick<Call, "isCancelled">): Verdict {
  if (call.isCancelled || isRejection(error)) return "ignore";
  if (isQuorateError(error)) return ANSWERS.has(error.code) ? "ignore" : "fault";
  const status = statusOf(error);
  if (status === undefined || status < 400 || status >= 500) return "fault";
  return FAULTY_4XX.has(status) || effectOf(error) === "unknown" ? "fault" : "ignore";
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
    const found = status ?? statusCode;
    return typeof found === "number" ? found : undefined;
  } catch {
    return undefined; // A getter that throws says nothing.
  }
}
