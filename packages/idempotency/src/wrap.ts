/**
 * Functions made safe to repeat.
 */
import type { WorkContext } from "./begun.ts";
import type { CallDefaults } from "./options.ts";
import type { Forgotten, ForgetOptions, KeyState } from "./peek.ts";

/** Options of `wrap`. */
export interface WrapOptions<A extends readonly unknown[]> extends CallDefaults {
  /** The key of a call, from its arguments. */
  readonly key: (...args: A) => string;
  /** Whose key it is, from the arguments. @default none */
  readonly scope?: (...args: A) => string;
  /** What of the arguments is the request, as JSON. @default all arguments */
  readonly fingerprint?: (...args: A) => unknown;
}

/** A function that is safe to repeat. */
export interface Wrapped<A extends readonly unknown[], T> {
  (...args: A): Promise<T>;
  /** What is known of the call with these arguments, without running it. */
  peek(...args: A): Promise<KeyState | undefined>;
  /** Forgets the call with these arguments; see `Idempotency.forget`. */
  forget(args: A, options: Omit<ForgetOptions, "scope">): Promise<Forgotten>;
}

/** A function whose `this` is the context of its run, for those that want it. */
export type Repeatable<A extends readonly unknown[], T> = (
  this: WorkContext,
  ...args: A
) => T | PromiseLike<T>;
