/**
 * What an HTTP answer says of the outcome: it happened, it definitely did not, or nobody knows.
 *
 * The difference decides what a saga does. A refusal is an answer: it compensates. Everything that
 * is not known is asked again under the same key. Most mistakes are made in between: a 503 may have
 * been sent by a proxy after the service had done its work, and a 409 of an idempotency key means
 * that the first call is still at work.
 *
 * RFC 9110 for the statuses; draft-ietf-httpapi-idempotency-key-header for 409 with Retry-After.
 */
import { effectOf, invalidArgument, type Ms, QuorateError, refuse } from "@quorate/core";

/** As much of a `Response` as is looked at; those of fetch fit, and axios' nearly. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: { get(name: string): string | null };
}

/** What is known. */
export type HttpOutcome =
  | { readonly outcome: "done" }
  | { readonly outcome: "refused"; readonly reason: string }
  | { readonly outcome: "unknown"; readonly reason: string; readonly retryAfterMs?: Ms }
  /** Nothing left this process: ask again freely. */
  | { readonly outcome: "not-sent"; readonly reason: string };

/** Statuses that say "no, and asking again is no use". 409: without Retry-After only. */
const REFUSALS: ReadonlySet<number> = new Set([400, 404, 409, 410, 412, 422]);

/**
 * What `answer` says. 2xx: done. 400, 404, 410, 412, 422: refused; 409 too, unless it has a
 * `Retry-After`, as the answer to a key whose first call is still at work has. All others, 401 and
 * 403 too (a key that expired is not the business' no): unknown.
 *
 * @example
 * import { outcomeOfResponse } from "@quorate/transaction";
 * console.log(outcomeOfResponse(new Response(null, { status: 422 })).outcome); // => refused
 * console.log(outcomeOfResponse(new Response(null, { status: 503 })).outcome); // => unknown
 */
export function outcomeOfResponse(answer: HttpAnswer): HttpOutcome {
  const status = answer?.status;
  if (!Number.isInteger(status)) throw invalidArgument("answer.status", status, "an HTTP status");
  const reason = `http-${status}`;
  if (status >= 200 && status < 300) return { outcome: "done" };
  const retryAfterMs = retryAfterOf(answer);
  const isInFlight = status === 409 && retryAfterMs !== undefined;
  if (REFUSALS.has(status) && !isInFlight) return { outcome: "refused", reason };
  return { outcome: "unknown", reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/**
 * What the error of a call that had no answer says: `not-sent` where the connection was never made
 * (refused, name not found), else `unknown`. A timeout, an abort and a reset are unknown.
 */
export function outcomeOfError(error: unknown): HttpOutcome {
  const effect = effectOf(error);
  return effect === "none"
    ? { outcome: "not-sent", reason: "the connection was never made" }
    : { outcome: "unknown", reason: "no answer" };
}

/**
 * The answer if it is a 2xx; else the error that a saga's step or a TCC's try must throw:
 * `refuse()`
 * for a refusal, OUTCOME_UNKNOWN for what may have happened.
 *
 * @throws REFUSED the service said no, for good.
 * @throws OUTCOME_UNKNOWN nobody knows; ask again with the same key.
 *
 * @example
 * import { doneOrThrow } from "@quorate/transaction";
 * async function charge(key: string, cents: number) {
 *   const headers = { "idempotency-key": key };
 *   const body = JSON.stringify({ cents });
 *   return doneOrThrow(await fetch("http://pay/charges", { method: "POST", headers, body }));
 * }
 */
export function doneOrThrow<A extends HttpAnswer>(answer: A): A {
  const outcome = outcomeOfResponse(answer);
  if (outcome.outcome === "done") return answer;
  if (outcome.outcome === "refused") throw refuse(outcome.reason);
  const message = `the answer was ${answer.status}: it may have happened; ask with the same key`;
  throw new QuorateError("OUTCOME_UNKNOWN", message, {
    effect: "unknown",
    details: { operation: `http ${answer.status}` },
  });
}

/** Seconds, as RFC 9110 has them; a date is of another clock, and is not used. */
function retryAfterOf(answer: HttpAnswer): Ms | undefined {
  const text = typeof answer.headers?.get === "function" ? answer.headers.get("retry-after") : null;
  if (text === null || text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text.trim()) : 0;
  return seconds * 1_000;
}
