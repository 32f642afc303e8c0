/**
 * `@Idempotent`: the method runs once per key, and every repeat is given its answer.
 */
import { callable, knownOptions } from "@quorate/core";
import type { RunOptions } from "quorate/idempotency";
import { runs } from "./current.ts";
import { type AsyncMethodDecorator, wrapMethod } from "./wrap-method.ts";

/** Options of `Idempotent`; `A` is what the key is made of. */
export interface IdempotentOptions<A extends readonly unknown[]> extends Omit<
  RunOptions,
  "scope" | "fingerprint" | "signal"
> {
  /** Whose key it is (tenant, user): equal keys of two scopes never meet. @default none */
  readonly scope?: (...args: A) => string;
  /**
   * What counts of the arguments, as JSON: others under the same key are IDEMPOTENCY_MISMATCH.
   * Name it where an argument is no JSON, such as a request. @default all arguments
   */
  readonly fingerprint?: (...args: A) => unknown;
}

/**
 * Runs the method once for the key that `key` makes of the arguments. The key is the whole of it:
 * begin it with what is done (`charge/`), or two methods answer for each other. Answers are stored
 * as JSON. Inside, `currentRun()` is the run: `key`, `fencingToken`, `takeover`, `signal`.
 *
 * A call rejects as `Idempotency.run` does; a `refuse()` of the method is an answer, and kept.
 *
 * @throws INVALID_ARGUMENT when it decorates what is no method, or an option is unknown.
 *
 * @example
 * class Payments {@Idempotent((order: string) => `charge/${order}`)
 *   async charge(order: string, cents: number): Promise<{ order: string; cents: number }> {
 *     return { order, cents };
 *   }
 * }
 */
export function Idempotent<A extends readonly unknown[]>(
  key: (...args: A) => string,
  options: IdempotentOptions<A> = {},
): AsyncMethodDecorator<A> {
  callable("key", key);
  knownOptions("options", options, [
    "ttlMs",
    "leaseMs",
    "concurrent",
    "waitMs",
    "onError",
    "scope",
    "fingerprint",
  ]);
  const { scope, fingerprint, ...terms } = options;
  if (scope !== undefined) callable("scope", scope);
  if (fingerprint !== undefined) callable("fingerprint", fingerprint);
  return wrapMethod("Idempotent", async ({ host, args, run }) => {
    const own = args as unknown as A;
    return host.q.once.run(key(...own), (context) => runs.run(context, run), {
      ...terms,
      fingerprint: fingerprint === undefined ? args : fingerprint(...own),
      ...(scope !== undefined && { scope: scope(...own) }),
    });
  });
}
