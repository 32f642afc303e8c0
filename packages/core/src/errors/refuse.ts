/**
 * A definite no: the work decided against it, nothing happened, and a repeat gets the same answer.
 *
 * The third outcome beside a value and an unknown one. A declined card or a sold-out seat is an
 * answer, not a failure of the call: it is not retried, does not count against a breaker, is
 * stored and replayed by `idempotency`, and starts the compensation of a saga.
 */
import { show } from "../checks.ts";
import type { Json } from "../json.ts";
import { QuorateError } from "./quorate-error.ts";

/**
 * The error to throw when the work says no: `throw refuse("card-declined", { by: "issuer" })`.
 *
 * `reason` is for programs and never changes; `data` must be JSON, and is shown to callers.
 *
 * @example
 * import { isQuorateError, refuse } from "@quorate/core";
 * try {
 *   throw refuse("sold-out", { left: 0 });
 * } catch (error) {
 *   if (isQuorateError(error, "REFUSED")) console.log(error.details.reason); // => sold-out
 * }
 */
export function refuse(reason: string, data?: Json): QuorateError<"REFUSED"> {
  const details = data === undefined ? { reason } : { reason, data };
  const message = `the work refused: ${show(reason)}`;
  return new QuorateError("REFUSED", message, { effect: "none", details });
}
