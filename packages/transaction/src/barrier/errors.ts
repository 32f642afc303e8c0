/**
 * The barrier's refusals, each with what it means and what to do.
 */
import { type Effect, type Ms, QuorateError, show } from "@quorate/core";

import type { BranchState, Operation } from "./machine.ts";

/** Why a call was refused. */
export type Refusal = "hanging" | "early" | "conflict";

const WHY: Readonly<Record<Refusal, string>> = {
  hanging:
    "its cancel was here first, so nobody would undo it: a late duplicate, refused for ever. " +
    "Nothing ran",
  early:
    "a confirm is for what was tried, and this is not known to be: a coordinator that confirms " +
    "without all answers, or a try that another store took. Nothing ran; repeat it",
  conflict:
    "one coordinator decided both ways, or two share an id. Nothing ran; compare the records of " +
    "both sides by hand",
};

/** BARRIER_REFUSED: nothing ran. */
export function refusedError(
  branch: string,
  asked: Operation,
  have: BranchState,
  why: Refusal,
): QuorateError<"BARRIER_REFUSED"> {
  const message = `${asked} of the branch ${show(branch)}, which is ${have}: ${WHY[why]}`;
  return new QuorateError("BARRIER_REFUSED", message, {
    effect: "none",
    retryable: why === "early",
    details: { branch, asked, have },
  });
}

/** BARRIER_REFUSED with an unknown effect: the work ran so long that it was cancelled meanwhile. */
export function lateEffectError(
  branch: string,
  asked: Operation,
  have: BranchState,
): QuorateError<"BARRIER_REFUSED"> {
  const message =
    `${asked} of the branch ${show(branch)} ran beyond its lease, and the branch is ${have} by ` +
    "now: what the work did after that stands, and nothing will undo it. Look at it by hand; end " +
    "such work at its signal, or pass its fencing token on";
  return new QuorateError("BARRIER_REFUSED", message, {
    effect: "unknown",
    retryable: false,
    details: { branch, asked, have },
  });
}

/** IDEMPOTENCY_IN_FLIGHT: another call of the branch is at work. */
export function busyError(
  branch: string,
  operation: Operation,
  leaseLeftMs: Ms,
): QuorateError<"IDEMPOTENCY_IN_FLIGHT"> {
  const key = `${branch}/${operation}`;
  const retryAfterMs = Math.ceil(Math.min(1_000, Math.max(1, leaseLeftMs)));
  const message =
    `another call of the branch ${show(branch)} is at work, and did not end within waitMs; this ` +
    `${operation} did not run. Ask again in ${retryAfterMs} ms`;
  const details = { key, retryAfterMs };
  return new QuorateError("IDEMPOTENCY_IN_FLIGHT", message, { effect: "none", details });
}

/** STORE_UNAVAILABLE: nobody knows whether the beginning is written, so the work did not run. */
export function notBegunError(
  branch: string,
  operation: Operation,
  cause: unknown,
): QuorateError<"STORE_UNAVAILABLE"> {
  const message =
    `the store did not say whether ${operation} of ${show(branch)} may begin, so its work did ` +
    "not run. Ask again";
  const details = { operation: `barrier.${operation}` };
  return new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details, cause });
}

/** OUTCOME_UNKNOWN: the work ran, and the store did not take that it is done. */
export function notSettledError(
  branch: string,
  operation: Operation,
  effect: Effect,
  cause: unknown,
): QuorateError<"OUTCOME_UNKNOWN"> {
  const message =
    `the work of ${operation} of ${show(branch)} ran, and the store did not take its answer. Ask ` +
    "again: if the answer is stored after all it is given, else the work is run as a repeat";
  const details = { operation: `barrier.${operation}`, key: branch };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect, details, cause });
}

/** RECORD_INVALID: what is stored is not ours; it was left as it is. */
export function recordInvalid(key: string, reason: string): QuorateError<"RECORD_INVALID"> {
  const message =
    `the record of ${show(key)} is not one of ours: ${reason}. It was left as it is, and nothing ` +
    "ran; look at it, then remove it by hand";
  return new QuorateError("RECORD_INVALID", message, { effect: "none", details: { key, reason } });
}
