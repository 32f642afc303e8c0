/**
 * The errors of streams, each with what was received before and with its cure.
 */
import { type Ms, QuorateError } from "@quorate/core";
import type { Loss } from "./receiver.ts";

/** What names a stream. */
export interface StreamFacts {
  readonly service: string;
  readonly spec: { readonly name: string };
}

/** What a stream's client knows when it ends early. */
export interface EarlyEnd extends StreamFacts {
  /** Items received in all. */
  readonly items: number;
  readonly afterMs: Ms;
  /** Of the bound that was met, where one was. */
  readonly timeoutMs: Ms;
}

/** Why a handler's signal aborts. */
export function cancelledError(facts: StreamFacts, why: string): QuorateError<"ABORTED"> {
  const operation = operationOf(facts);
  const message = `${operation}: ${why}; the handler should stop`;
  return new QuorateError("ABORTED", message, { effect: "unknown", details: { operation } });
}

/** A handler's signal aborts because the stream's time is over. */
export function deadlineError(facts: StreamFacts): QuorateError<"TIMEOUT"> {
  const operation = operationOf(facts);
  const message = `${operation}: the stream's time is over; the handler should stop`;
  const details = { operation, timeoutMs: 0 };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}

const LOSSES: Readonly<Record<Exclude<Loss, "idle" | "deadline">, string>> = {
  gone: "its instance is gone",
  gap: "a frame was lost on the way",
  silent: "the server was not heard for three keep-alive periods",
  overrun: "the server sent more than it was granted",
};

/** A stream ended without the server's word. */
export function lostError(why: Loss, end: EarlyEnd): QuorateError<"OUTCOME_UNKNOWN" | "TIMEOUT"> {
  if (why === "idle") return timeoutError("no item came", end);
  if (why === "deadline") return timeoutError("it did not come to its end", end);
  const operation = operationOf(end);
  const message =
    `${operation}: ${LOSSES[why]} after ${end.items} items; those stand, whether there were more ` +
    "is unknown. Ask again from where you are";
  const details = { operation, afterMs: end.afterMs };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details });
}

/** A bound on a stream's time was met. */
export function timeoutError(what: string, end: EarlyEnd): QuorateError<"TIMEOUT"> {
  const operation = operationOf(end);
  const { timeoutMs } = end;
  const message = `${operation}: ${what} in ${timeoutMs} ms, after ${end.items} items; those stand`;
  const details = { operation, timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}

/** The server found that nothing was taken out of a full window for too long. */
export function stalledError(
  end: StreamFacts & { readonly items: number },
): QuorateError<"TIMEOUT"> {
  const operation = operationOf(end);
  const message =
    `${operation}: the server gave the stream up after ${end.items} items: its window was full ` +
    "for too long. Take items sooner, or make stallMs of the server longer";
  const details = { operation, timeoutMs: 0 };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}

/** The client was closed while the stream went on. */
export function leftBehindError(facts: StreamFacts): QuorateError<"ABORTED"> {
  const operation = operationOf(facts);
  const message = `${operation}: the client was closed while the stream went on`;
  return new QuorateError("ABORTED", message, { effect: "unknown", details: { operation } });
}

/** An item that the contract does not know. */
export function itemError(facts: StreamFacts, issues: string): QuorateError<"CONTRACT_MISMATCH"> {
  const { service, spec } = facts;
  const message = `${operationOf(facts)}: an item is not what the contract says: ${issues}`;
  const details = { service, method: spec.name, reason: "an item is not what the contract says" };
  return new QuorateError("CONTRACT_MISMATCH", message, { effect: "unknown", details });
}

/** More streams than a client may have. Nothing was sent. */
export function tooManyError(facts: StreamFacts, running: number): QuorateError<"BULKHEAD_FULL"> {
  const message = `${operationOf(facts)}: ${running} streams are open, as many as may be; end some`;
  const details = { bulkhead: `streams of ${facts.service}`, running, queued: 0 };
  return new QuorateError("BULKHEAD_FULL", message, { effect: "none", details });
}

function operationOf({ service, spec }: StreamFacts): string {
  return `${service}.${spec.name}`;
}
