/**
 * A span over a piece of work: begun before it, active within it, ended by its end.
 */
import { type Context, context, type Span, trace } from "@opentelemetry/api";
import { isQuorateError } from "@quorate/core";
import type { Around } from "@quorate/core";

import { fail, typeOf } from "./telemetry.ts";

/** How a piece of work ended: `refused` is an answer, not a failure. */
export type WorkOutcome =
  | { readonly outcome: "done" | "refused" }
  | { readonly outcome: "failed"; readonly error: string };

/** Wraps work in `span`. `ended` is told once; the span ends after it. */
export function aroundWork(
  span: Span,
  within: Context,
  ended: (outcome: WorkOutcome) => void,
): Around {
  const end = (outcome: WorkOutcome): void => {
    if (outcome.outcome === "failed") fail(span, outcome.error);
    ended(outcome);
    span.end();
  };
  return (work) => {
    let value: ReturnType<typeof work>;
    try {
      value = context.with(trace.setSpan(within, span), work);
    } catch (error) {
      end(outcomeOf(error));
      throw error;
    }
    if (!isThenable(value)) end({ outcome: "done" });
    else {
      value.then(
        () => end({ outcome: "done" }),
        (error: unknown) => end(outcomeOf(error)),
      );
    }
    return value;
  };
}

function outcomeOf(error: unknown): WorkOutcome {
  if (isQuorateError(error, "REFUSED")) return { outcome: "refused" };
  return { outcome: "failed", error: typeOf(error) };
}

/** Promises only: a foreign thenable may run its work once for each `then`. */
function isThenable(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}
