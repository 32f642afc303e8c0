/**
 * Wrapping: key, scope and request from the arguments, the rest as `run` does it.
 */
import { callable, knownOptions } from "@quorate/core";
import type { Idempotency } from "./idempotency.ts";
import { checkDefaults, type RunOptions } from "./options.ts";
import type { ForgetOptions } from "./peek.ts";
import type { Repeatable, WrapOptions, Wrapped } from "./wrap.ts";

/** `fn` by `idempotency`. */
export function wrapped<A extends readonly unknown[], T>(
  idempotency: Idempotency,
  fn: Repeatable<A, T>,
  options: WrapOptions<A>,
): Wrapped<A, T> {
  callable("fn", fn);
  knownOptions("options", options, [
    "key",
    "scope",
    "fingerprint",
    "ttlMs",
    "leaseMs",
    "concurrent",
    "waitMs",
    "onError",
  ]);
  const { key, scope, fingerprint, ...defaults } = options;
  callable("key", key);
  if (scope !== undefined) callable("scope", scope);
  if (fingerprint !== undefined) callable("fingerprint", fingerprint);
  checkDefaults(defaults); // A mistake is told here, not at the first call.
  const call = async (...args: A): Promise<T> => {
    const request = fingerprint === undefined ? args : fingerprint(...args);
    const run: RunOptions = { scope: scope?.(...args), fingerprint: request, ...defaults };
    return idempotency.run(key(...args), (context) => fn.apply(context, [...args] as never), run);
  };
  return Object.assign(call, {
    peek: async (...args: A) => idempotency.peek(key(...args), { scope: scope?.(...args) }),
    forget: async (args: A, how: Omit<ForgetOptions, "scope">) =>
      idempotency.forget(key(...args), { ...how, scope: scope?.(...args) }),
  });
}
