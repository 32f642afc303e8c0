/**
 * What a link says of an exchange that came to nothing: each error with its effect.
 *
 * A read that was not answered has no effect. A write that left and was not answered may have
 * happened, may still happen, and can be settled where its caller knows how.
 */
import { QuorateError, type Resolve } from "@quorate/core";

/** What an error needs to know of an exchange. */
export interface Unanswered {
  readonly operation: string;
  readonly key?: string;
  readonly kind: "read" | "write";
  readonly resolve?: Resolve;
}

/** It never left. */
export function unavailable(operation: string, why: string): QuorateError {
  const message = `${operation} was not sent: ${why}; try again later`;
  return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details: { operation } });
}

/** It left, and the answer did not come, or was lost with the connection. */
export function unheard(exchange: Unanswered, elapsedMs: number): QuorateError {
  const { operation, key, kind, resolve } = exchange;
  if (kind === "read") {
    const message = `${operation} was not answered: the connection was lost; ask again`;
    const details = { operation };
    return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details });
  }
  const afterMs = Math.round(elapsedMs);
  const message = `${operation} was not answered in ${afterMs} ms; it may have happened`;
  const details = { operation, afterMs, ...(key === undefined ? {} : { key }) };
  const settling = resolve === undefined ? {} : { resolve };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details, ...settling });
}

/** A read was not answered in time. */
export function timedOut(operation: string, timeoutMs: number): QuorateError {
  const message = `${operation} was not answered in ${timeoutMs} ms; ask again`;
  return new QuorateError("TIMEOUT", message, {
    effect: "none",
    details: { operation, timeoutMs },
  });
}

/** Nobody waits for a write that had not left. */
export function abortedUnsent(operation: string, cause: unknown): QuorateError {
  const message = `${operation} was aborted before it was sent`;
  return new QuorateError("ABORTED", message, { effect: "none", details: { operation }, cause });
}

/** A write in flight may land although nobody waits for it. */
export function aborted(exchange: Unanswered, cause: unknown): QuorateError {
  const { operation, resolve } = exchange;
  const message = `${operation} was aborted while in flight; it may have happened`;
  const settling = resolve === undefined ? {} : { resolve };
  const options = { effect: "unknown", details: { operation }, cause, ...settling } as const;
  return new QuorateError("ABORTED", message, options);
}
