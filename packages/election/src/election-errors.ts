/**
 * The errors of elections, each with its cure in the message.
 */
import {
  type FencingToken,
  isQuorateError,
  type LossReason,
  type Ms,
  QuorateError,
  show,
} from "@quorate/core";

/** Why a term is over. */
export type EndReason = LossReason | "resigned" | "transferred";

const REASONS: Record<EndReason, string> = {
  expired: "its time ran out on this process's clocks before a renewal was confirmed",
  superseded: "the store no longer has it: it expired there, or was deleted",
  resigned: "this candidate resigned",
  transferred: "it was handed over to another candidate",
};

/** LEADERSHIP_LOST: what was done since may race. */
export function lostError(
  election: string,
  term: FencingToken,
  reason: EndReason,
): QuorateError<"LEADERSHIP_LOST"> {
  const message =
    `the leadership of ${show(election)} (term ${term}) is over: ${REASONS[reason]}; ` +
    "stop, and let the guard refuse what comes late";
  const details = { election, term, reason };
  return new QuorateError("LEADERSHIP_LOST", message, { effect: "unknown", details });
}

/** Whether `error` says that `term` is over: the work heard, and stopped. */
export function saysItIsOver(error: unknown, term: FencingToken): boolean {
  if (isQuorateError(error, "LEADERSHIP_LOST")) return error.details.term === term;
  // What fetch, timers and streams throw when their signal aborts.
  return error instanceof Error && error.name === "AbortError";
}

/** ELECTION_TIMEOUT. */
export function timeoutError(election: string, waitMs: Ms): QuorateError<"ELECTION_TIMEOUT"> {
  const message =
    `the leadership of ${show(election)} did not come within ${waitMs} ms: another leads. ` +
    "Wait longer, or ask leader() who it is";
  return new QuorateError("ELECTION_TIMEOUT", message, {
    effect: "none",
    details: { election, waitMs },
  });
}

/** ABORTED: the campaign was ended by `resign()`. */
export function resignedError(election: string): QuorateError<"ABORTED"> {
  const message = `the campaign for ${show(election)} was ended by resign(); nothing is held`;
  const details = { operation: "election.campaign" };
  return new QuorateError("ABORTED", message, { effect: "none", details });
}

/** WRONG_STATE: `verb` does not apply to a candidate that is `state`. */
export function wrongState(
  election: string,
  verb: string,
  state: string,
): QuorateError<"WRONG_STATE"> {
  const message = `cannot ${verb} in ${show(election)}: this candidate is ${state}`;
  const details = { id: election, verb, state };
  return new QuorateError("WRONG_STATE", message, { effect: "none", details });
}

/** NO_CANDIDATE. */
export function noCandidate(election: string, candidate: string): QuorateError<"NO_CANDIDATE"> {
  const message =
    `${show(candidate)} does not campaign for ${show(election)}: the leadership stays here. ` +
    "inspect() names the candidates";
  const details = { election, candidate };
  return new QuorateError("NO_CANDIDATE", message, { effect: "none", details });
}

/** TIMEOUT of a transfer: the line did not let the candidate pass. */
export function notArranged(
  election: string,
  candidate: string,
  timeoutMs: Ms,
): QuorateError<"TIMEOUT"> {
  const message =
    `the candidates of ${show(election)} did not let ${show(candidate)} pass within ` +
    `${timeoutMs} ms: the leadership stays here. Try again, or give it longer`;
  const details = { operation: "election.transferTo", timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "none", details });
}
