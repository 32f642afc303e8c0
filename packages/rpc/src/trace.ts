/**
 * Trace context: which trace a call belongs to, handed from process to process.
 *
 * Only carried, never made here: a caller gives it, or a hook of the client reads it from whatever
 * tracer the process has. What is not a `traceparent` of version 00 to fe is left out.
 *
 * W3C Trace Context, https://www.w3.org/TR/trace-context/ (level 1).
 */
import { invalidArgument, type Json } from "@quorate/core";

/** The place of a call in a trace. */
export interface TraceContext {
  /** Version, trace id, parent id and flags, in hexadecimal. */
  readonly traceparent: string;
  /** What vendors add, at most 512 characters. */
  readonly tracestate?: string | undefined;
}

/** On the wire: parent, and state if there is one. */
export type WireTrace = readonly [string] | readonly [string, string];

const PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const STATE = /^[\u0020-\u007e]{1,512}$/;

/** The context to send; `undefined`: none, or one that is none. */
export function writeTrace(trace: TraceContext | undefined): WireTrace | undefined {
  if (trace === undefined || !PARENT.test(trace.traceparent)) return undefined;
  const { traceparent, tracestate } = trace;
  return tracestate !== undefined && STATE.test(tracestate)
    ? [traceparent, tracestate]
    : [traceparent];
}

/** The context that arrived; what is none is left out. */
export function readTrace(value: Json | undefined): TraceContext | undefined {
  if (!Array.isArray(value)) return undefined;
  const [traceparent, tracestate] = value as readonly Json[];
  if (typeof traceparent !== "string" || !PARENT.test(traceparent)) return undefined;
  const isState = typeof tracestate === "string" && STATE.test(tracestate);
  return isState ? { traceparent, tracestate } : { traceparent };
}

/** `trace` if it can be one; what is in it is looked at when it is sent. */
export function checkTrace(trace: TraceContext | undefined): TraceContext | undefined {
  if (trace === undefined || typeof trace?.traceparent === "string") return trace;
  throw invalidArgument("trace", trace, "an object with traceparent");
}
