/**
 * Trace context: which trace a piece of work belongs to, handed from process to process.
 *
 * Only carried, never made here: a tracer gives it, and another takes it up where the work goes
 * on. It arrives in messages and records, so it is foreign input: what is not a `traceparent` of
 * version 00 to fe counts as none, and a `tracestate` that is none is left out.
 *
 * W3C Trace Context, https://www.w3.org/TR/trace-context/ (level 1).
 */

/** The place of a piece of work in a trace. */
export interface TraceContext {
  /** Version, trace id, parent id and flags, in hexadecimal. */
  readonly traceparent: string;
  /** What vendors add, at most 512 characters. */
  readonly tracestate?: string | undefined;
}

const PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const STATE = /^[\u0020-\u007e]{1,512}$/;

/**
 * The context that two values of unknown origin make; `undefined`: they make none.
 *
 * @example
 * import { traceContext } from "@quorate/core";
 * console.log(traceContext("00-not-a-trace", undefined)); // => undefined
 */
export function traceContext(traceparent: unknown, tracestate?: unknown): TraceContext | undefined {
  if (typeof traceparent !== "string" || !PARENT.test(traceparent)) return undefined;
  const isState = typeof tracestate === "string" && STATE.test(tracestate);
  return isState ? { traceparent, tracestate } : { traceparent };
}
