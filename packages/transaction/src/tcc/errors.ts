/**
 * Errors of TCC, each with what it means and what to do.
 */
import { QuorateError, show } from "@quorate/core";

import { type TccRecord, unsettled } from "./record.ts";

/** TRANSACTION_ABORTED: every branch that was registered is cancelled. */
export function abortedError(
  id: string,
  reason: string,
  cause?: unknown,
): QuorateError<"TRANSACTION_ABORTED"> {
  const message = `the transaction ${show(id)} was cancelled, and nothing of it stands: ${reason}`;
  const details = { id, reason };
  return new QuorateError("TRANSACTION_ABORTED", message, { effect: "none", details, cause });
}

/** TRANSACTION_IN_DOUBT: it is decided, or may be, and not carried out everywhere. */
export function inDoubtError(
  id: string,
  record: TccRecord | undefined,
  cause?: unknown,
): QuorateError<"TRANSACTION_IN_DOUBT"> {
  const names = record === undefined ? [] : unsettled(record).map(({ name }) => name);
  const participants = names.join(", ");
  const what = record === undefined ? "not known" : record.state;
  const message =
    `the transaction ${show(id)} is ${what}, and not carried out everywhere: ${participants}. It ` +
    "goes on by itself; ask again with the same id";
  const details = { id, participants };
  return new QuorateError("TRANSACTION_IN_DOUBT", message, { effect: "unknown", details, cause });
}

/** INSTANCE_MISMATCH: the id is another transaction's. */
export function mismatchError(
  id: string,
  asked: string,
  found: string,
): QuorateError<"INSTANCE_MISMATCH"> {
  const reason = `it is a ${show(found)}, not a ${show(asked)}`;
  const message = `the id ${show(id)} is taken: ${reason}. Nothing ran; use another id`;
  return new QuorateError("INSTANCE_MISMATCH", message, {
    effect: "none",
    details: { id, reason },
  });
}

/** WRONG_STATE: the verb does not apply. */
export function wrongStateError(
  id: string,
  verb: string,
  state: string,
): QuorateError<"WRONG_STATE"> {
  const message = `${verb} does not apply to the transaction ${show(id)}, which is ${state}`;
  return new QuorateError("WRONG_STATE", message, {
    effect: "none",
    details: { id, verb, state },
  });
}

/** What stands in a record and an event of an error: its code, or its reason if it is a refusal. */
export function wordOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code.slice(0, 64).toWellFormed() : "an error without a code";
}
