/**
 * Problems: what the client is told when the handler is not run.
 *
 * One document per row of the table, after RFC 9457 and with the titles of the draft, so that a
 * client of any vendor understands them: `type` for programs, `title` and `detail` for people.
 * Nothing in them comes from the request: no key, no payload, no header.
 *
 * | problem | status |
 * |---|---|
 * | `key-missing` | 400 |
 * | `key-invalid` | 400 |
 * | `key-reused` | 422, or 409 where 422 means "validation" already |
 * | `request-too-large` | 413 |
 * | `request-unread` | 415 |
 * | `in-flight` | 409 with `Retry-After` |
 * | `answer-not-kept` | 409 |
 * | `store-unavailable` | 503 with `Retry-After` |
 *
 * draft-ietf-httpapi-idempotency-key-header-07 §2.7; RFC 9457.
 */
import type { Ms } from "@quorate/core";
import type { Answer } from "./answer.ts";
import { documentAnswer } from "./problem-document.ts";

/** Why the handler was not run; the last part of the problem's `type`. */
export type ProblemKind =
  | "key-missing"
  | "key-invalid"
  | "key-reused"
  | "request-too-large"
  | "request-unread"
  | "in-flight"
  | "answer-not-kept"
  | "store-unavailable";

/** A problem, and what it needs to be told. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly status: number;
  /** More than the kind says: why a key is invalid, which status the lost answer had. */
  readonly detail?: string;
  /** When to ask again with the same key. Rounded up to whole seconds, at least one. */
  readonly retryAfterMs?: Ms;
}

/** What stands before the kind in `type`, unless the service names its own documentation. */
export const DEFAULT_PROBLEM_BASE = "urn:quorate:idempotency:";

const TEXTS: Readonly<Record<ProblemKind, { readonly title: string; readonly detail: string }>> = {
  "key-missing": {
    title: "Idempotency-Key is missing",
    detail: "This operation requires an Idempotency-Key header: a unique key for each request.",
  },
  "key-invalid": {
    title: "Idempotency-Key is invalid",
    detail: "The header must be one string of 1 to 255 printable characters.",
  },
  "key-reused": {
    title: "Idempotency-Key is already used",
    detail: "This key was used with another request. A new request needs a new key.",
  },
  "request-too-large": {
    title: "The request is too large to be compared",
    detail: "The request was not executed. Its body is longer than this service takes with a key.",
  },
  "request-unread": {
    title: "The request's body was not read",
    detail:
      "The request was not executed. The service reads no body of this media type before it " +
      "looks at the key, and cannot compare what it has not read.",
  },
  "in-flight": {
    title: "A request is outstanding for this Idempotency-Key",
    detail: "A request with this key is being processed. Ask again with the same key.",
  },
  "answer-not-kept": {
    title: "The answer to this Idempotency-Key was not kept",
    detail: "The request was executed and answered once. It was not executed again.",
  },
  "store-unavailable": {
    title: "Idempotency cannot be ensured now",
    detail: "The request was not executed. Ask again with the same key.",
  },
};

/** The response to send for `problem`, as `application/problem+json`. */
export function problemAnswer(problem: Problem, base: string = DEFAULT_PROBLEM_BASE): Answer {
  const { kind, status, retryAfterMs } = problem;
  const { title, detail } = TEXTS[kind];
  const document = {
    type: `${base}${kind}`,
    title,
    status,
    detail: problem.detail === undefined ? detail : `${detail} ${problem.detail}`,
  };
  return documentAnswer(document, retryAfterMs);
}
