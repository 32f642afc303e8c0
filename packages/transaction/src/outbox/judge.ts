/**
 * What follows from a delivery that was not acknowledged: a pure decision.
 *
 * A message is given up for what its consumer made of it, never for a network that was down: a
 * delivery that reached nobody does not count, however often it is repeated. A definite no
 * (`refuse`) is an answer, and asking again would get the same one.
 */
import { effectOf, isQuorateError, type Ms, retryAfterMsOf } from "@quorate/core";

/** Patience with one message. */
export interface RelayRetry {
  /** Deliveries that may fail before the message is given up, the first included. @default 10 */
  readonly attempts?: number;
  /** Longest first rest; each later one is up to twice as long, drawn at random. @default 200 */
  readonly baseMs?: Ms;
  /** Longest rest. @default 30000 */
  readonly maxMs?: Ms;
}

/** What becomes of the message. */
export type Verdict =
  | { readonly kind: "dead"; readonly attempts: number }
  | { readonly kind: "again"; readonly counted: boolean; readonly restMs: Ms };

/** A failed delivery of a message that had failed `attempts` times, `inARow` in this process. */
export interface FailedDelivery {
  readonly error: unknown;
  readonly attempts: number;
  readonly inARow: number;
  /** Uniform in [0, 1). */
  readonly chance: number;
}

/** Decides. */
export function judge(
  { error, attempts, inARow, chance }: FailedDelivery,
  retry: Required<RelayRetry>,
): Verdict {
  if (isQuorateError(error, "REFUSED")) return { kind: "dead", attempts: attempts + 1 };
  const counted = !reachedNobody(error);
  if (counted && attempts + 1 >= retry.attempts) return { kind: "dead", attempts: attempts + 1 };
  const mostMs = Math.min(retry.maxMs, retry.baseMs * 2 ** Math.min(inARow, 30));
  // Half of it is certain: a rest of nothing is none.
  const restMs = mostMs * (0.5 + chance / 2);
  return { kind: "again", counted, restMs: Math.max(restMs, retryAfterMsOf(error) ?? 0) };
}

/** True for an error that says that nothing happened and that asking again may help. */
function reachedNobody(error: unknown): boolean {
  if (effectOf(error) !== "none") return false;
  return isQuorateError(error) ? error.retryable : true;
}
