/**
 * Errors of Quorate as answers over HTTP: one table for every framework's error handler.
 *
 * A handler that waits for a lock, calls a service behind a breaker or asks a store may fail with
 * an error that a client can do something about: come back later, or not at all. The table says
 * which status that is; the document has the code, and whether the effect happened.
 *
 * Guarantees: neither message nor details of the error are told, but for the reason of a refusal,
 * which the work wrote for its caller. Codes that are no business of a client (a wrong argument, a
 * broken record) have no row: they are the service's own failure, and stay its 500.
 *
 * RFC 9457; RFC 9110 §15 for the statuses, §10.2.3 for `Retry-After`; RFC 6585 for 429.
 */
import {
  boundedString,
  type ErrorCode,
  isQuorateError,
  knownOptions,
  type Ms,
  type QuorateError,
  retryAfterMsOf,
} from "@quorate/core";
import type { Answer } from "./answer.ts";
import { documentAnswer } from "./problem-document.ts";

/** Put before the code in `type`, unless the service names its own documentation. */
export const DEFAULT_ERROR_BASE = "urn:quorate:error:";

/** An answer for an error, in plain values: `new Response(body, problem)` and the like. */
export interface HttpProblem {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The document, as JSON. */
  readonly body: string;
}

/** Options of `errorProblem`. */
export interface ErrorProblemOptions {
  /** Put before the code in `type`: the URL of your documentation, say. */
  readonly problemBase?: string;
}

interface Row {
  readonly status: number;
  readonly title: string;
  /** When to come back, where the error itself does not say. */
  readonly retryAfterMs?: Ms;
}

/** When to ask again for what is over soon. */
const SOON_MS = 1_000;

const BUSY = { status: 503, title: "The service has too much to do now", retryAfterMs: SOON_MS };
const AWAY = { status: 503, title: "The service cannot do this now", retryAfterMs: SOON_MS };
const BEHIND = { status: 502, title: "A service behind this one failed" };

const ROWS: Readonly<Partial<Record<ErrorCode, Row>>> = {
  LOCK_TIMEOUT: {
    status: 409,
    title: "Somebody else is at work on this",
    retryAfterMs: SOON_MS,
  },
  IDEMPOTENCY_IN_FLIGHT: { status: 409, title: "The same request is being processed" },
  IDEMPOTENCY_SUPERSEDED: {
    status: 409,
    title: "The same request is being processed",
    retryAfterMs: SOON_MS,
  },
  IDEMPOTENCY_MISMATCH: { status: 422, title: "This key was used with another request" },
  REFUSED: { status: 422, title: "The request was refused" },
  STALE_TOKEN: { status: 412, title: "Somebody newer has written here" },
  TIMEOUT: { status: 504, title: "The time for this request is over" },
  OUTCOME_UNKNOWN: { status: 504, title: "It is not known whether this happened" },
  RATE_LIMITED: { status: 429, title: "Too many requests" },
  OVERLOADED: BUSY,
  BULKHEAD_FULL: BUSY,
  THROTTLED: BUSY,
  BREAKER_OPEN: AWAY,
  STORE_UNAVAILABLE: AWAY,
  NO_RESPONDERS: AWAY,
  CLOSED: AWAY,
  ABORTED: AWAY,
  ELECTION_TIMEOUT: AWAY,
  REMOTE_FAILED: BEHIND,
  CONTRACT_MISMATCH: BEHIND,
};

const EFFECTS: Readonly<Record<QuorateError["effect"], string>> = {
  none: "The request had no effect.",
  unknown: "Whether the request had its effect is unknown.",
  applied: "The request had its effect.",
};

/**
 * What to answer where a handler threw `error`; `undefined`: it is no error of Quorate, or none
 * that a client can do something about. Then it is for the framework's own handler.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { QuorateError } from "@quorate/core";
 * const details = { key: "report", waitMs: 0, holders: 1 };
 * const error = new QuorateError("LOCK_TIMEOUT", "taken", { effect: "none", details });
 * const problem = errorProblem(error);
 * console.log(problem?.status, problem?.headers["retry-after"]); // => 409 1
 */
export function errorProblem(
  error: unknown,
  options: ErrorProblemOptions = {},
): HttpProblem | undefined {
  knownOptions("options", options, ["problemBase"]);
  const base = checkErrorBase(options.problemBase);
  const answer = isQuorateError(error) ? errorAnswer(error, base) : undefined;
  if (answer === undefined) return undefined;
  const { status, headers, body } = answer;
  return { status, headers: Object.fromEntries(headers), body: Buffer.from(body).toString() };
}

/** The option, or its default. */
export function checkErrorBase(base: string = DEFAULT_ERROR_BASE): string {
  return boundedString("problemBase", base, 1_024);
}

/** As `errorProblem`, for our own adapters. */
export function errorAnswer(error: QuorateError, base: string): Answer | undefined {
  const row = ROWS[error.code];
  if (row === undefined) return undefined;
  const { effect } = error;
  const reason = isQuorateError(error, "REFUSED") ? ` ${error.details.reason}` : "";
  const document = {
    type: base + error.code.toLowerCase().replaceAll("_", "-"),
    title: row.title,
    status: row.status,
    detail: EFFECTS[effect] + reason,
    code: error.code,
    effect,
  };
  return documentAnswer(document, retryAfterMsOf(error) ?? row.retryAfterMs);
}
