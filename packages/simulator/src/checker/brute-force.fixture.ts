/**
 * Linearizability by definition: try every order, and every subset of the unknown. Slow, short,
 * and shares nothing with the checker but the model.
 */
import type { Operation } from "./history/history.ts";
import type { Model } from "./model.ts";

/** Whether some order of `operations`, true to real time, is allowed by `model`. */
export function bruteForce<S>(operations: readonly Operation[], model: Model<S>): boolean {
  const prepared = model.prepare?.(operations) ?? operations;
  return somePossible(prepared, model.initial, model);
}

function somePossible<S>(left: readonly Operation[], state: S, model: Model<S>): boolean {
  if (left.every(({ outcome }) => outcome === "unknown")) return true;
  return left.some((operation) => {
    if (left.some((other) => other !== operation && isBefore(other, operation))) return false;
    const step = model.step(state, operation);
    if (!step.ok) return false;
    return somePossible(
      left.filter((other) => other !== operation),
      step.state,
      model,
    );
  });
}

/** Whether `one` had returned when `other` was called. */
function isBefore(one: Operation, other: Operation): boolean {
  // What a model added has no place among the lines, only a time.
  return other.callIndex < 0 ? one.returnedMs < other.calledMs : one.returnIndex < other.callIndex;
}
