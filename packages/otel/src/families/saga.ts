/**
 * Sagas: how long, how they ended, and each attempt of each step.
 *
 * The record carries the context of the span that started it. In the process that started it an
 * attempt is a child of that span; in any other, which may take it up much later, it begins a
 * trace of its own that is linked to it.
 */
import { ROOT_CONTEXT, type Span, type SpanContext } from "@opentelemetry/api";

import type { SagaHeard } from "../events.ts";
import type { Family } from "../listeners.ts";
import { Pending } from "../pending.ts";
import type { Telemetry } from "../telemetry.ts";
import { carriedOf, spanContextOf, under } from "../trace-context.ts";
import { aroundWork } from "../work.ts";

/** Hears `saga.*`. `nowMs` is a monotonic clock. */
export function sagaFamily(telemetry: Telemetry, nowMs: () => number): Family {
  const starting = new Pending<Span>(1_000);
  const mine = new Pending<SpanContext>();
  const sagaOf = (saga: string) => ({
    "quorate.saga.name": telemetry.name("quorate.saga.name", saga),
  });

  function begins({ carry, id, saga }: SagaHeard["starting"]): void {
    const named = sagaOf(saga);
    const span = telemetry.begin(`saga start ${named["quorate.saga.name"]}`, {
      attributes: { ...named, ...telemetry.key("quorate.saga.id", id) },
    });
    // Of two starts under one id one finds it taken, and its span is never ended.
    starting.begin(id, span);
    const carried = carriedOf(span);
    if (carried !== undefined) carry(carried);
  }

  function started({ id }: SagaHeard["started"]): void {
    const span = starting.end(id);
    if (span === undefined) return;
    mine.begin(id, span.spanContext());
    span.end();
  }

  function attempting(event: SagaHeard["attempting"]): void {
    const { around, attempt, doing, id, saga } = event;
    const named = sagaOf(saga);
    const step = telemetry.name("quorate.saga.step", event.step);
    const of = { ...named, "quorate.saga.step": step, "quorate.saga.doing": doing };
    const origin = spanContextOf(event.trace);
    const parent = mine.peek(id);
    const within = under(ROOT_CONTEXT, parent);
    const span = telemetry.begin(`saga step ${named["quorate.saga.name"]}.${step}`, {
      attributes: {
        ...of,
        ...telemetry.key("quorate.saga.id", id),
        "quorate.saga.attempt": attempt,
      },
      within,
      links: parent === undefined && origin !== undefined ? [{ context: origin }] : [],
    });
    const sinceMs = nowMs();
    around(
      aroundWork(span, within, ({ outcome, ...rest }) => {
        const error = "error" in rest ? { "error.type": rest.error } : {};
        span.setAttribute("quorate.outcome", outcome);
        const attributes = { ...of, "quorate.outcome": outcome, ...error };
        telemetry.time("sagaStep", nowMs() - sinceMs, attributes);
      }),
    );
  }

  return {
    channels: {
      "saga.starting": begins,
      "saga.started": started,
      "saga.attempting": attempting,
      "saga.decided": ({ cause, saga }: SagaHeard["decided"]) =>
        telemetry.record("sagaCompensations", 1, { ...sagaOf(saga), "quorate.reason": cause }),
      "saga.stuck": ({ isParked, saga }: SagaHeard["stuck"]) =>
        telemetry.record("sagaStuck", 1, { ...sagaOf(saga), "quorate.saga.parked": isParked }),
      "saga.ended": ({ id, saga, state, tookMs }: SagaHeard["ended"]) => {
        mine.end(id);
        telemetry.time("saga", tookMs, { ...sagaOf(saga), "quorate.outcome": state });
      },
    },
  };
}
