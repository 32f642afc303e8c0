/**
 * The errors of locks, each with its cure in the message.
 *
 * A loss under `run` has two stories to tell: that the lock was lost, and what became of the work.
 * The error is the first; `workOutcome(error)` gives the second, so that the answer of a charge
 * that went through is not thrown away with the lock.
 */
import {
  type Effect,
  type LeaseHolder,
  type LossReason,
  type Ms,
  QuorateError,
  show,
} from "@quorate/core";

/** How the work under a lock ended. */
export type WorkOutcome =
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "threw"; readonly error: unknown };

/** What names one hold. */
export interface HoldFacts {
  readonly key: string;
  readonly fencingToken: number;
}

// Beside the error and not on it: the value may be a secret, and errors get printed.
const outcomes = new WeakMap<object, WorkOutcome>();

/**
 * What the work did, of an error with which `run` rejected because the lock was lost (LOCK_LOST)
 * or taken away by `close` (CLOSED) before the work ended; else `undefined`.
 */
export function workOutcome(error: unknown): WorkOutcome | undefined {
  return typeof error === "object" && error !== null ? outcomes.get(error) : undefined;
}

const LOSSES: Record<LossReason, string> = {
  expired: "its time ran out on this process's clocks before a renewal was confirmed",
  superseded: "the store no longer has it: it expired there, or was deleted",
};

/** LOCK_LOST, as signals and checks report it: what was done since the loss may race. */
export function lostError(hold: HoldFacts, reason: LossReason): QuorateError<"LOCK_LOST"> {
  return lost(hold, reason, "unknown");
}

/** LOCK_LOST of a `run` whose work has ended. Effect `applied`: it ran to its end. */
export function lostDuringWork(
  hold: HoldFacts,
  reason: LossReason,
  outcome: WorkOutcome,
): QuorateError<"LOCK_LOST"> {
  const effect = outcome.kind === "returned" ? "applied" : "unknown";
  const error = lost(hold, reason, effect, outcome);
  outcomes.set(error, outcome);
  return error;
}

/** CLOSED of a `run` whose lock `close` took away under its work. */
export function closedDuringWork(hold: HoldFacts, outcome: WorkOutcome): QuorateError<"CLOSED"> {
  const message = `the lock ${show(hold.key)} was released by close() before its work had ended`;
  const error = new QuorateError("CLOSED", message, {
    effect: outcome.kind === "returned" ? "applied" : "unknown",
    details: { what: `the lock ${show(hold.key)}` },
    ...(outcome.kind === "threw" ? { cause: outcome.error } : {}),
  });
  outcomes.set(error, outcome);
  return error;
}

function lost(
  hold: HoldFacts,
  reason: LossReason,
  effect: Effect,
  outcome?: WorkOutcome,
): QuorateError<"LOCK_LOST"> {
  const { key, fencingToken } = hold;
  const message =
    `the lock ${show(key)} (token ${fencingToken}) was lost: ${LOSSES[reason]}; ` +
    "another may hold it: stop, and let the guard refuse what comes late";
  return new QuorateError("LOCK_LOST", message, {
    effect,
    details: { key, fencingToken, reason },
    ...(outcome?.kind === "threw" ? { cause: outcome.error } : {}),
  });
}

/** CLOSED: the lock was given back; using it further is a mistake of the caller. */
export function releasedError(hold: HoldFacts): QuorateError<"CLOSED"> {
  const what = `the lock ${show(hold.key)}`;
  const message = `${what} (token ${hold.fencingToken}) was released; acquire it again`;
  return new QuorateError("CLOSED", message, { effect: "none", details: { what } });
}

/** LOCK_TIMEOUT: says who holds. `ours`: holders that are claims of this very process. */
export function timeoutError(
  key: string,
  waitMs: Ms,
  holders: readonly LeaseHolder[],
  ours: number,
): QuorateError<"LOCK_TIMEOUT"> {
  const labels = holders.flatMap(({ data }) => (data === undefined ? [] : [show(data)]));
  const who = labels.length === 0 ? "" : ` (${labels.slice(0, 3).join(", ")})`;
  const own =
    ours === 0
      ? ""
      : `; ${ours} of them in this very process: if the same flow of calls holds it, this is a ` +
        "self-deadlock";
  const message =
    `${show(key)} did not come free within ${waitMs} ms: ${holders.length} hold it${who}${own}. ` +
    "Raise waitMs, shorten the work, or use tryAcquire";
  const details = { key, waitMs, holders: holders.length };
  return new QuorateError("LOCK_TIMEOUT", message, { effect: "none", details });
}

/** LOCK_TIMEOUT: free, but its tokens are still behind `aboveToken`. */
export function tokenBehindError(
  key: string,
  waitMs: Ms,
  fencingToken: number,
  aboveToken: number,
): QuorateError<"LOCK_TIMEOUT"> {
  const behindMs = Math.ceil((aboveToken - fencingToken) / 1_000);
  const message =
    `${show(key)} was free, but its tokens are behind the floor ${aboveToken} by ${behindMs} ms: ` +
    "the store's clock went back or a backup was restored. Wait that long, or reset the floor";
  const details = { key, waitMs, holders: 0 };
  return new QuorateError("LOCK_TIMEOUT", message, { effect: "none", details });
}

/** SELF_DEADLOCK. */
export function selfDeadlockError(key: string): QuorateError<"SELF_DEADLOCK"> {
  const message =
    `this flow of calls holds ${show(key)} already, and would wait for itself for ever. Pass the ` +
    "lock down instead of taking it again, or set reentrant: true";
  return new QuorateError("SELF_DEADLOCK", message, { effect: "none", details: { key } });
}
