/** What became of a promise, in scripted time: the clock goes on until it has settled. */
import type { ScriptedRuntime } from "@quorate/core/testing";

/** How a promise settled. */
export type Outcome<T> =
  | { readonly kind: "pending" }
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown };

/** Advances by `stepMs` until `promise` has settled, at most `maxMs`; its value, or its error. */
export async function outcomeOf<T>(
  runtime: ScriptedRuntime,
  promise: Promise<T>,
  { maxMs, stepMs }: { readonly maxMs: number; readonly stepMs: number },
): Promise<Outcome<T>> {
  let outcome: Outcome<T> = { kind: "pending" };
  promise.then(
    (value) => (outcome = { kind: "value", value }),
    (error: unknown) => (outcome = { kind: "error", error }),
  );
  for (let spentMs = 0; spentMs <= maxMs; spentMs += stepMs) {
    await runtime.advance(spentMs === 0 ? 0 : stepMs);
    if ((outcome as Outcome<T>).kind !== "pending") break;
  }
  return outcome;
}

/** The value of an outcome; throws what was thrown, or that nothing has come yet. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.kind === "value") return outcome.value;
  throw outcome.kind === "error" ? outcome.error : new Error("it has not settled");
}
