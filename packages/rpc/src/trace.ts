/**
 * Trace context on the wire: which trace a call belongs to, handed from process to process.
 *
 * Only carried, never made here: a caller gives it, a hook of the client reads it from whatever
 * tracer the process has, or a subscriber of `quorate:rpc.calling` does. What is none is left out.
 */
import { invalidArgument, type Json, type TraceContext, traceContext } from "@quorate/core";

export type { TraceContext } from "@quorate/core";

/** On the wire: parent, and state if there is one. */
export type WireTrace = readonly [string] | readonly [string, string];

/** The context to send; `undefined`: none, or one that is none. */
export function writeTrace(trace: TraceContext | undefined): WireTrace | undefined {
  const sent = traceContext(trace?.traceparent, trace?.tracestate);
  if (sent === undefined) return undefined;
  const { traceparent, tracestate } = sent;
  return tracestate === undefined ? [traceparent] : [traceparent, tracestate];
}

/** The context that arrived; what is none is left out. */
export function readTrace(value: Json | undefined): TraceContext | undefined {
  if (!Array.isArray(value)) return undefined;
  return traceContext(value[0], value[1]);
}

/** `trace` if it can be one; what is in it is looked at when it is sent. */
export function checkTrace(trace: TraceContext | undefined): TraceContext | undefined {
  if (trace === undefined || typeof trace?.traceparent === "string") return trace;
  throw invalidArgument("trace", trace, "an object with traceparent");
}
