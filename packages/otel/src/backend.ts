/**
 * A backend whose round trips are measured, and whose messages carry the trace they are sent in.
 *
 * For the one question that the primitives' own events do not answer: is it the server? Clients of
 * Redis and NATS have instrumentations of their own; this one counts in the words of the waist, and
 * knows what an unknown outcome is. What is not measured is handed through as it is.
 *
 * Guarantees: behaves as the backend within. A subscriber's handler runs in the context that the
 * message carries; a foreign header that is no trace context is none.
 * Does not guarantee: the wait in line of `leases.acquire` is not a round trip, and not measured.
 * Make the primitives from this backend only: beside the one within they do not know each other.
 */
import {
  context,
  type MeterProvider,
  metrics,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
  type TracerProvider,
} from "@opentelemetry/api";
import {
  type Backend,
  boolean,
  knownOptions,
  type LeaseRequest,
  MAX_HEADERS,
  type MessageHandler,
  type PublishOptions,
  systemRuntime,
  traceContext,
} from "@quorate/core";

import { fail, Telemetry, typeOf } from "./telemetry.ts";
import { carriedOf, spanContextOf, under } from "./trace-context.ts";

/** Options of `instrumentBackend`. */
export interface InstrumentBackendOptions {
  /** Makes the spans. @default the global one */
  readonly tracerProvider?: TracerProvider;
  /** Makes the metrics. @default the global one: register it before */
  readonly meterProvider?: MeterProvider;
  /** A span for each round trip besides the metric. @default false */
  readonly spans?: boolean;
}

type Method = (...args: never[]) => unknown;
type Wrappers = ReadonlyMap<PropertyKey, (method: Method) => Method>;

const KV = ["get", "put", "delete"];
const LEASES = ["acquire", "renew", "release", "inspect"];

/**
 * The same backend, measured: `quorate.engine.operation.duration`.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @example
 * import { createLocks } from "@quorate/lock";
 * import { memoryBackend } from "@quorate/memory";
 * import { instrumentBackend } from "@quorate/otel";
 * const locks = createLocks(instrumentBackend(memoryBackend()));
 * await locks.run("order/42", async () => {});
 */
export function instrumentBackend(
  backend: Backend,
  options: InstrumentBackendOptions = {},
): Backend {
  knownOptions("options", options, ["tracerProvider", "meterProvider", "spans"]);
  const { meterProvider = metrics.getMeterProvider() } = options;
  const { tracerProvider = trace.getTracerProvider() } = options;
  const meter = new Meter(backend.name, {
    spans: boolean("spans", options.spans ?? false),
    telemetry: new Telemetry(
      tracerProvider.getTracer("@quorate/otel"),
      meterProvider.getMeter("@quorate/otel"),
      { keys: "omit", maxNames: 1 },
    ),
  });
  const measured = (part: string, names: readonly string[]): Wrappers =>
    new Map(names.map((name) => [name, (method) => meter.measured(`${part}.${name}`, method)]));
  const parts = {
    kv: wrapped(backend.kv, measured("kv", KV)),
    leases: wrapped(backend.leases, measured("leases", LEASES)),
    bus: wrapped(backend.bus, busWrappers(meter)),
  };
  return new Proxy(backend, {
    get: (target, name) => (Object.hasOwn(parts, name) ? parts[name as "kv"] : part(target, name)),
  });
}

function busWrappers(meter: Meter): Wrappers {
  type Send = (subject: string, data: Uint8Array, options?: PublishOptions) => Promise<unknown>;
  type Subscribe = (target: string, handler: MessageHandler, options?: object) => Promise<unknown>;
  const sending = (operation: string) => (method: Method) => {
    const send = meter.measured(operation, method) as Send;
    return ((subject, data, options) => send(subject, data, carrying(options))) satisfies Send;
  };
  return new Map<string, (method: Method) => Method>([
    ["publish", sending("bus.publish")],
    ["request", sending("bus.request")],
    [
      "subscribe",
      (method: Method) =>
        ((target, handler, options) =>
          (method as Subscribe)(target, inContext(handler), options)) satisfies Subscribe,
    ],
  ]);
}

/** The options with the active span's context among the headers, where there is room. */
function carrying(options: PublishOptions | undefined): PublishOptions | undefined {
  const span = trace.getActiveSpan();
  const carried = span === undefined ? undefined : carriedOf(span);
  const { headers = {} } = options ?? {};
  if (carried === undefined || Object.hasOwn(headers, "traceparent")) return options;
  if (Object.keys(headers).length > MAX_HEADERS - 2) return options;
  const { traceparent, tracestate } = carried;
  const state = tracestate === undefined || tracestate.length > 512 ? {} : { tracestate };
  return { ...options, headers: { ...headers, traceparent, ...state } };
}

function inContext(handler: MessageHandler): MessageHandler {
  return (message) => {
    const { traceparent, tracestate } = message.headers;
    const origin = spanContextOf(traceContext(traceparent, tracestate));
    if (origin === undefined) return handler(message);
    return context.with(under(ROOT_CONTEXT, origin), () => handler(message));
  };
}

/** Measures calls of one backend. */
class Meter {
  readonly #engine: string;
  readonly #telemetry: Telemetry;
  readonly #spans: boolean;

  constructor(engine: string, parts: { readonly telemetry: Telemetry; readonly spans: boolean }) {
    this.#engine = engine;
    this.#telemetry = parts.telemetry;
    this.#spans = parts.spans;
  }

  /** `method`, whose calls are measured under the name `operation`. */
  measured(operation: string, method: Method): Method {
    const call = method as (...args: unknown[]) => Promise<unknown>;
    return (...args: unknown[]) => {
      if (operation === "leases.acquire" && mayWait(args[1])) return call(...args);
      const span = this.#spans ? this.#span(operation) : undefined;
      const { time } = systemRuntime;
      const startedMs = time.monotonicMs();
      const end = (error?: { readonly thrown: unknown }): void =>
        this.#end(operation, time.monotonicMs() - startedMs, span, error);
      const made = call(...args);
      made.then(
        () => end(),
        (thrown: unknown) => end({ thrown }),
      );
      return made;
    };
  }

  #span(operation: string): Span {
    return this.#telemetry.begin(`${this.#engine} ${operation}`, {
      attributes: this.#named(operation),
      kind: SpanKind.CLIENT,
    });
  }

  #end(
    operation: string,
    tookMs: number,
    span: Span | undefined,
    error: { readonly thrown: unknown } | undefined,
  ): void {
    const type = error === undefined ? undefined : typeOf(error.thrown);
    const outcome = { "quorate.outcome": type === undefined ? "ok" : "error" };
    const failure = type === undefined ? {} : { "error.type": type };
    const attributes = { ...this.#named(operation), ...outcome, ...failure };
    this.#telemetry.time("engine", tookMs, attributes);
    if (type !== undefined && span !== undefined) fail(span, type);
    span?.end();
  }

  #named(operation: string) {
    return { "quorate.engine.name": this.#engine, "quorate.engine.operation": operation };
  }
}

function mayWait(request: unknown): boolean {
  return ((request as LeaseRequest | undefined)?.waitMs ?? 0) > 0;
}

/** `target` with some of its methods in others; the same function each time it is asked for. */
function wrapped<T extends object>(target: T, wrappers: Wrappers): T {
  const made = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(_, name) {
      if (made.has(name)) return made.get(name);
      const found = part(target, name);
      const wrap = wrappers.get(name);
      if (wrap === undefined) return found;
      const value = wrap(found as Method);
      made.set(name, value);
      return value;
    },
  });
}

/** A member of `target`; a method stays its own, which private fields need. */
function part(target: object, name: PropertyKey): unknown {
  const found: unknown = Reflect.get(target, name, target);
  return typeof found === "function" ? (found.bind(target) as unknown) : found;
}
