/**
 * The table of the draft as pure functions: what a request is told before its handler may run.
 *
 * | | what happens |
 * |---|---|
 * | another method | the handler runs, unprotected |
 * | no key | 400 `key-missing`, or unprotected where no key is required |
 * | not a key | 400 `key-invalid` |
 * | another request under this key | 422 `key-reused` |
 * | a body too long to compare | 413 `request-too-large` |
 * | a body that no parser has read | 415 `request-unread` |
 * | the first is under way | wait, then 409 `in-flight` |
 * | the store does not answer | 503 `store-unavailable`, or unprotected where that was asked for |
 */
import { isQuorateError, type Ms, retryAfterMsOf } from "@quorate/core";
import { parseIdempotencyKey } from "./key-header.ts";
import type { Problem } from "./problems.ts";

/** What is decided by the request's first lines alone. */
export type Verdict =
  | { readonly kind: "pass" }
  | { readonly kind: "problem"; readonly problem: Problem }
  | { readonly kind: "claim"; readonly key: string };

/** What to judge. */
export interface HeadFacts {
  /** The header's value, or each line's. */
  readonly header: string | readonly string[] | null | undefined;
  readonly strict: boolean;
  /** Asked only where there is no key. */
  readonly required: () => boolean;
}

/** What a refusal by `begin` means for the client. */
export type Failure =
  | { readonly kind: "problem"; readonly problem: Problem }
  /** The store is not to be had: 503, unless the service prefers to go on without. */
  | { readonly kind: "store-down"; readonly problem: Problem };

const ASK_AGAIN_MS: Ms = 1_000;
/** The store, not the record or the caller, is what is wrong. */
const STORE_DOWN: ReadonlySet<string> = new Set([
  "STORE_UNAVAILABLE",
  "STORE_REFUSED",
  "OUTCOME_UNKNOWN",
  "TIMEOUT",
  "CLOSED",
]);

/** The store answers, and its answer is not to be trusted: not even `failOpen` runs on that. */
const RECORD_DOUBTFUL: ReadonlySet<string> = new Set(["RECORD_INVALID", "REVISION_RESET"]);

/** Judges a request of a protected method by its key. */
export function judge(facts: HeadFacts): Verdict {
  const parsed = parseIdempotencyKey(facts.header, { strict: facts.strict });
  if (parsed.kind === "key") return { kind: "claim", key: parsed.key };
  if (parsed.kind === "invalid") {
    const detail = `It is refused: ${parsed.reason}.`;
    return { kind: "problem", problem: { kind: "key-invalid", status: 400, detail } };
  }
  if (!facts.required()) return { kind: "pass" };
  return { kind: "problem", problem: { kind: "key-missing", status: 400 } };
}

/** What to tell for an error of `begin`; `undefined`: it is no business of the client's. */
export function failureOf(error: unknown, mismatchStatus: number): Failure | undefined {
  if (isQuorateError(error, "IDEMPOTENCY_MISMATCH")) {
    return { kind: "problem", problem: { kind: "key-reused", status: mismatchStatus } };
  }
  if (isQuorateError(error, "IDEMPOTENCY_IN_FLIGHT")) {
    return { kind: "problem", problem: inFlight(error.details.retryAfterMs) };
  }
  if (isQuorateError(error, "RESULT_UNENCODABLE")) {
    return { kind: "problem", problem: unkeptProblem() };
  }
  if (isQuorateError(error) && RECORD_DOUBTFUL.has(error.code)) {
    return { kind: "problem", problem: storeDown() };
  }
  if (!isQuorateError(error) || !STORE_DOWN.has(error.code)) return undefined;
  return { kind: "store-down", problem: storeDown(retryAfterMsOf(error)) };
}

/** The first request has this key now. */
export function inFlight(retryAfterMs: Ms = ASK_AGAIN_MS): Problem {
  return { kind: "in-flight", status: 409, retryAfterMs };
}

/** The first request ran, and its answer is gone. */
export function unkeptProblem(status?: number): Problem {
  if (status === undefined) return { kind: "answer-not-kept", status: 409 };
  return { kind: "answer-not-kept", status: 409, detail: `The answer's status was ${status}.` };
}

/** The store did not answer, or answered what nobody of ours has written. */
export function storeDown(retryAfterMs: Ms = ASK_AGAIN_MS): Problem {
  return { kind: "store-unavailable", status: 503, retryAfterMs };
}

/** Without its body a request cannot be told from another under its key. */
export function cannotCompare(body: { readonly kind: "too-large" | "unread" }): Problem {
  if (body.kind === "too-large") return { kind: "request-too-large", status: 413 };
  return { kind: "request-unread", status: 415 };
}
