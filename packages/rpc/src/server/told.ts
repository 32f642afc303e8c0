/**
 * Errors that this server makes itself, with what their callers are told of them.
 */
import { QuorateError } from "@quorate/core";
import type { ErrorDetails } from "@quorate/core";
import type { WireFailure } from "../wire/answer.ts";

const told = new WeakMap<object, WireFailure>();

/** What the caller is told of `error`, if it is one of these. */
export function toldOf(error: unknown): WireFailure | undefined {
  return typeof error === "object" && error !== null ? told.get(error) : undefined;
}

/** An error that callers are told as `failure`: one that is told again. */
export function asTold(
  at: { readonly service: string; readonly method: string },
  failure: WireFailure,
): QuorateError<"REMOTE_FAILED"> {
  const { service, method } = at;
  const message = `${service}.${method}: the key's answer is a failure (${failure.code})`;
  const details = { service, method, error: failure.word ?? "internal" };
  const error = new QuorateError("REMOTE_FAILED", message, { effect: failure.effect, details });
  told.set(error, failure);
  return error;
}

/** Two contracts do not fit; `issues` stays in this process. */
export function mismatch(
  at: { readonly service: string; readonly method: string },
  word: "input" | "output" | "key",
  issues: string,
): QuorateError<"CONTRACT_MISMATCH"> {
  const { service, method } = at;
  const effect = word === "output" ? "applied" : "none";
  const details: ErrorDetails["CONTRACT_MISMATCH"] = { service, method, reason: issues };
  const message = `${service}.${method}: ${word}: ${issues}`;
  const error = new QuorateError("CONTRACT_MISMATCH", message, { effect, details });
  told.set(error, { code: "CONTRACT_MISMATCH", effect, word });
  return error;
}
