/**
 * What a caller says beside the input.
 */
import { invalidArgument, knownOptions, type Ms, positive } from "@quorate/core";
import type { Method } from "../contract.ts";
import type { Hop } from "../served-call.ts";
import { checkTrace, type TraceContext } from "../trace.ts";

/** Options of one call. */
export interface CallOptions {
  /** Time for the call with all its attempts. @default the method's, else the client's */
  readonly timeoutMs?: Ms | undefined;
  /** Cancels: the call rejects at once with its reason, and the handler's signal aborts. */
  readonly signal?: AbortSignal | undefined;
  /** The call that this one is made for: its deadline, cancel, tries and trace apply. */
  readonly call?: Hop | undefined;
  /** Higher is shed later. @default that of `call`, else 0 */
  readonly priority?: number | undefined;
  /** Place in a trace. @default the client's `trace()`, else that of `call` */
  readonly trace?: TraceContext | undefined;
  /** Equal ones go to the same instance, where the balancer hashes. @default the key */
  readonly route?: string | undefined;
}

/** Options of a call of a keyed method. */
export interface KeyedCallOptions extends CallOptions {
  /** The call's idempotency key: it runs once, and repeats get the first one's answer. */
  readonly key: string;
}

/** Options of a stream. Its `timeoutMs` bounds the whole stream. @default none: no bound */
export interface StreamCallOptions extends CallOptions {
  /** Longest wait for the next item, while the server lives. @default none: no bound */
  readonly idleTimeoutMs?: Ms | undefined;
}

const NAMES = ["timeoutMs", "signal", "call", "priority", "trace", "route"] as const;
const KEYED_NAMES = [...NAMES, "key"] as const;
const STREAM_NAMES = [...NAMES, "idleTimeoutMs"] as const;
const MAX_KEY_CHARACTERS = 1_024;

/** `options`, checked as the method wants them. */
export function checkCallOptions(
  method: Method,
  options: KeyedCallOptions | StreamCallOptions | CallOptions | undefined,
): KeyedCallOptions | CallOptions | undefined {
  const isKeyed = method.repeat === "keyed";
  if (options === undefined) {
    if (isKeyed) throw noKey(method, undefined);
    return undefined;
  }
  const names = isKeyed ? KEYED_NAMES : method.kind === "stream" ? STREAM_NAMES : NAMES;
  knownOptions("options", options as KeyedCallOptions & StreamCallOptions, names);
  const { idleTimeoutMs } = options as StreamCallOptions;
  if (idleTimeoutMs !== undefined) positive("idleTimeoutMs", idleTimeoutMs);
  const { call, priority, route, signal, timeoutMs } = options;
  if (isKeyed) {
    const { key } = options as KeyedCallOptions;
    const isKey = typeof key === "string" && key !== "" && key.length <= MAX_KEY_CHARACTERS;
    if (!isKey || !key.isWellFormed()) throw noKey(method, key);
  }
  if (timeoutMs !== undefined) positive("timeoutMs", timeoutMs);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument("signal", signal, "an AbortSignal");
  }
  if (priority !== undefined && !Number.isFinite(priority)) {
    throw invalidArgument("priority", priority, "a finite number");
  }
  if (route !== undefined && typeof route !== "string") {
    throw invalidArgument("route", route, "a string");
  }
  if (call !== undefined && typeof call?.deadlineMs !== "number") {
    throw invalidArgument("call", call, "the call that a handler was given");
  }
  checkTrace(options.trace);
  return options;
}

function noKey(method: Method, key: unknown): Error {
  const most = `a well-formed string of 1 to ${MAX_KEY_CHARACTERS} characters`;
  return invalidArgument("key", key, `${most}: ${method.name} is keyed`);
}
