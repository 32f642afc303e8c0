/**
 * One error class for all of Quorate, with a stable code and the answer to the only question that
 * matters after a failure: did it happen?
 *
 * Branch on `isQuorateError(error, code)`, never on `instanceof` or the message: two copies of
 * this package in one tree have two classes, and messages are for people.
 */
import { type Effect, type ErrorCode, type ErrorDetails, RETRYABLE } from "./codes.ts";

/** The same symbol in every copy and version of this package. */
const BRAND: unique symbol = Symbol.for("quorate.error") as never;

/** How an unknown outcome was settled. `unknown`: others have written since, nobody can tell. */
export type Resolution = "applied" | "none" | "unknown";

/** Settles an unknown outcome, and keeps a straggler from landing later. */
export type Resolve = (options?: { readonly signal?: AbortSignal }) => Promise<Resolution>;

/** What a `QuorateError` is made of. */
export interface QuorateErrorOptions<C extends ErrorCode> {
  readonly effect: Effect;
  readonly details: ErrorDetails[C];
  /** The failure below, already stripped by `safeCause` where it came from a client library. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later. @default by code: see the table of codes */
  readonly retryable?: boolean;
  readonly resolve?: Resolve;
}

/**
 * A failure with a code, its effect, and the cure in its message.
 *
 * @example
 * import { isQuorateError } from "@quorate/core";
 * function mayHaveHappened(error: unknown): boolean {
 *   return isQuorateError(error) && error.effect !== "none";
 * }
 */
export class QuorateError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  /** Whether the effect happened: `none`, `unknown` or `applied`. */
  readonly effect: Effect;
  readonly retryable: boolean;
  readonly details: ErrorDetails[C];
  /** Present where an unknown outcome can be settled by asking the store. */
  declare readonly resolve?: Resolve;

  constructor(code: C, message: string, options: QuorateErrorOptions<C>) {
    super(`${code}: ${message}`, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.effect = options.effect;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
    this.details = options.details;
    // Not enumerable: a printed error should show facts, not functions.
    if (options.resolve !== undefined) {
      Object.defineProperty(this, "resolve", { value: options.resolve });
    }
  }

  static {
    Object.defineProperty(this.prototype, "name", { value: "QuorateError" });
    Object.defineProperty(this.prototype, BRAND, { value: true });
  }
}

/**
 * True for an error of Quorate, from whatever copy of the package, and of this `code` if given.
 *
 * @example
 * import { isQuorateError } from "@quorate/core";
 * try {
 *   throw new Error("not ours");
 * } catch (error) {
 *   if (isQuorateError(error, "LOCK_LOST")) console.log(error.details.fencingToken);
 * }
 */
export function isQuorateError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is QuorateError<C> {
  if (typeof error !== "object" || error === null) return false;
  try {
    if (!(BRAND in error)) return false;
    return code === undefined || (error as Partial<QuorateError>).code === code;
  } catch {
    return false; // A proxy may throw at any look; whatever it is, it is not ours.
  }
}
