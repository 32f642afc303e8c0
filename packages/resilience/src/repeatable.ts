/**
 * May a call that failed be made again? One answer for retry and hedge.
 *
 * What matters is not how the failure looks but whether the call may have happened. Where it did
 * not, a repeat is safe for everybody; where nobody knows, only for calls that may run twice; where
 * it did, only if the error itself asks for it.
 *
 * Does not guarantee: truth. `safe` and `keyed` are the caller's word, `effect` is the error's.
 */
import { effectOf } from "@quorate/core";

import type { Call } from "./call.ts";

/** Whether the work may run twice, whatever became of the first run. */
export function mayRunTwice(call: Pick<Call, "repeat">): boolean {
  return call.repeat !== "unsafe";
}

/**
 * Whether `call`, which failed with `error`, may be made again.
 *
 * No, if the error says that it is not retryable; else by its effect: `none`: yes; `unknown`, or
 * an error that does not say: if the call is `safe` or `keyed`; `applied`: if the error says that
 * it is retryable.
 *
 * @example
 * import { refuse } from "@quorate/core";
 * import { repeatable } from "@quorate/resilience";
 * const refused = Object.assign(new Error(), { code: "ECONNREFUSED" });
 * repeatable(refused, { repeat: "unsafe" }); // => true: nothing was sent
 * repeatable(new Error("reset"), { repeat: "unsafe" }); // => false: it may have happened
 * repeatable(refuse("sold-out"), { repeat: "safe" }); // => false: the answer would be the same
 */
export function repeatable(error: unknown, call: Pick<Call, "repeat">): boolean {
  const said = retryableOf(error);
  if (said === false) return false;
  const effect = effectOf(error);
  if (effect === "none") return true;
  return effect === "applied" ? said === true : mayRunTwice(call);
}

/**
 * Which of two failures of one call its caller should see: the later, unless that only says that
 * the last attempt was not made while an earlier one may have happened. A breaker that opened
 * between two attempts must not turn "it may have happened" into "it did not".
 */
export function weightier(earlier: unknown, later: unknown): unknown {
  if (effectOf(later) !== "none" || effectOf(earlier) === "none") return later;
  // A definite no to a repeat is the answer to the call: a server that knows the key said so.
  return retryableOf(later) === false ? later : earlier;
}

/**
 * Whether two attempts in a row were rejected by one and the same signal, made outside of them. It
 * is dead, and every further attempt would be rejected before it began.
 */
export function isDeadSignal(earlier: unknown, later: unknown): boolean {
  if (later !== earlier || !(later instanceof DOMException)) return false;
  return later.name === "AbortError" || later.name === "TimeoutError";
}

/** Of our own errors, and of others that say it the same way. A getter that throws says nothing. */
function retryableOf(error: unknown): boolean | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    const { retryable } = error as { readonly retryable?: unknown };
    return typeof retryable === "boolean" ? retryable : undefined;
  } catch {
    return undefined;
  }
}
