/**
 * Between W3C trace context, which messages and records carry, and OpenTelemetry's own.
 *
 * By hand and not by the global propagator: what Quorate carries is W3C trace context whatever the
 * process uses for HTTP.
 */
import {
  type Context,
  createTraceState,
  isSpanContextValid,
  type Span,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import type { TraceContext } from "@quorate/core";

/** What a message carries of `span`; `undefined`: it is none that can be found again. */
export function carriedOf(span: Span): TraceContext | undefined {
  const { spanId, traceFlags, traceId, traceState } = span.spanContext();
  if (!isSpanContextValid(span.spanContext())) return undefined;
  const flags = traceFlags.toString(16).padStart(2, "0");
  const traceparent = `00-${traceId}-${spanId}-${flags}`;
  const tracestate = traceState?.serialize();
  return tracestate === undefined || tracestate === ""
    ? { traceparent }
    : { traceparent, tracestate };
}

/** Whom a message came from. Core has checked that it is a trace context. */
export function spanContextOf(carried: TraceContext | undefined): SpanContext | undefined {
  if (carried === undefined) return undefined;
  const [, traceId = "", spanId = "", flags = "0"] = carried.traceparent.split("-");
  const { tracestate } = carried;
  return {
    traceId,
    spanId,
    // Only the lowest bit has a meaning in this version.
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
}

/** `context` with `parent` for its span. */
export function under(context: Context, parent: SpanContext | undefined): Context {
  return parent === undefined ? context : trace.setSpanContext(context, parent);
}

/** Whether a span is active in `context`. */
export function hasSpan(context: Context): boolean {
  const found = trace.getSpanContext(context);
  return found !== undefined && isSpanContextValid(found);
}
