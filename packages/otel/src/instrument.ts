/**
 * `instrument()`: from Quorate's events to OpenTelemetry's spans and metrics.
 *
 * Every primitive publishes on `node:diagnostics_channel`, which is one for the whole process: so
 * one call hears all locks, jobs, sagas and calls of it, whoever made them and whichever copy of
 * Quorate they come from. Without it each event costs a property read.
 *
 * Guarantees: nothing that this package or an SDK throws reaches the code that is watched; it goes
 * to OpenTelemetry's `diag`. Attributes of metrics are bounded, see `names.ts`.
 * Does not guarantee spans of what began before it listened, and hears nothing of backends whose
 * `runtime` publishes elsewhere (tests, the simulator).
 */
import { diag, type MeterProvider, metrics, trace, type TracerProvider } from "@opentelemetry/api";
import {
  invalidArgument,
  knownOptions,
  positiveInteger,
  SharedUse,
  show,
  systemRuntime,
} from "@quorate/core";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

import { cronFamily } from "./families/cron.ts";
import { electionFamily } from "./families/election.ts";
import { idempotencyFamily } from "./families/idempotency.ts";
import { incidentsFamily, spanEventsFamily } from "./families/incidents.ts";
import { lockFamily } from "./families/lock.ts";
import { membersFamily } from "./families/members.ts";
import { resilienceFamily } from "./families/resilience.ts";
import { rpcFamily } from "./families/rpc.ts";
import { sagaFamily } from "./families/saga.ts";
import { outboxFamily, transactionFamily } from "./families/transaction.ts";
import type { Family, Listener } from "./listeners.ts";
import { type KeyPolicy, Telemetry } from "./telemetry.ts";

/** What can be left out. */
export type InstrumentedPart =
  | "lock"
  | "election"
  | "cron"
  | "idempotency"
  | "resilience"
  | "rpc"
  | "saga"
  | "transaction"
  | "outbox"
  | "members"
  | "incidents"
  | "span-events";

/** Options of `instrument`. */
export interface InstrumentOptions {
  /** Makes the spans. @default the global one, also if it is registered later */
  readonly tracerProvider?: TracerProvider;
  /** Makes the metrics. @default the global one: register it before */
  readonly meterProvider?: MeterProvider;
  /**
   * Keys and ids on spans: cut to 128 characters, as the first 16 digits of their SHA-256, or not
   * at all. They are never on metrics. @default "plain"
   */
  readonly keys?: KeyPolicy;
  /** Different names (of jobs, breakers, methods) that an attribute may have. @default 200 */
  readonly maxNames?: number;
  /** What is left out. @default nothing */
  readonly without?: readonly InstrumentedPart[];
}

/** Listening. */
export interface Instrumentation extends Disposable {
  /** Stops listening, and ends the spans that are open. Twice is fine. */
  close(): void;
}

const KEYS: readonly KeyPolicy[] = ["plain", "hash", "omit"];

const PARTS: Readonly<Record<InstrumentedPart, (telemetry: Telemetry) => Family>> = {
  lock: (telemetry) => lockFamily(telemetry, nowMs),
  election: (telemetry) => electionFamily(telemetry, nowMs),
  cron: cronFamily,
  idempotency: idempotencyFamily,
  resilience: resilienceFamily,
  rpc: rpcFamily,
  saga: (telemetry) => sagaFamily(telemetry, nowMs),
  transaction: (telemetry) => transactionFamily(telemetry, nowMs),
  outbox: outboxFamily,
  members: membersFamily,
  incidents: incidentsFamily,
  "span-events": spanEventsFamily,
};

/** Two who ask for the same are heard once, or every event would count double. */
const running = new WeakMap<TracerProvider, SharedUse<MeterProvider>>();

/**
 * Makes spans and metrics of all that Quorate does in this process, until it is closed.
 *
 * Call it once, after the SDK is registered. Called again with the same providers it shares what is
 * there, with the options of the first time, until each has closed.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @example
 * import { instrument } from "@quorate/otel";
 * const telemetry = instrument({ keys: "hash" });
 * // …
 * telemetry.close();
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  const { keys, maxNames, meterProvider, parts, tracerProvider } = checked(options);
  let byMeter = running.get(tracerProvider);
  if (byMeter === undefined) running.set(tracerProvider, (byMeter = new SharedUse()));
  const close = byMeter.join(meterProvider, () => {
    const tracer = tracerProvider.getTracer("@quorate/otel");
    const meter = meterProvider.getMeter("@quorate/otel");
    const telemetry = new Telemetry(tracer, meter, { keys, maxNames });
    return listen(parts.map((part) => PARTS[part](telemetry)));
  });
  return { close, [Symbol.dispose]: close };
}

function checked(options: InstrumentOptions) {
  const names = ["tracerProvider", "meterProvider", "keys", "maxNames", "without"] as const;
  knownOptions("options", options, names);
  const { keys = "plain", maxNames = 200, without = [] } = options;
  if (!KEYS.includes(keys)) throw invalidArgument("keys", keys, `one of ${KEYS.join(", ")}`);
  const all = Object.keys(PARTS) as InstrumentedPart[];
  const unknown = without.find((part) => !all.includes(part));
  if (unknown !== undefined) {
    throw invalidArgument("without", unknown, `some of ${all.join(", ")}`);
  }
  const { meterProvider = metrics.getMeterProvider() } = options;
  const { tracerProvider = trace.getTracerProvider() } = options;
  if (typeof tracerProvider?.getTracer !== "function") {
    throw invalidArgument("tracerProvider", tracerProvider, "a TracerProvider");
  }
  if (typeof meterProvider?.getMeter !== "function") {
    throw invalidArgument("meterProvider", meterProvider, "a MeterProvider");
  }
  return {
    keys,
    maxNames: positiveInteger("maxNames", maxNames),
    meterProvider,
    parts: all.filter((part) => !without.includes(part)),
    tracerProvider,
  };
}

/** Listens to all channels of `families`; what is returned ends it. */
function listen(families: readonly Family[]): () => void {
  const heard = families.flatMap(({ channels }) =>
    Object.entries(channels).map(([name, listener]) => ({
      name: `quorate:${name}`,
      hear: guarded(name, listener),
    })),
  );
  for (const { hear, name } of heard) subscribe(name, hear);
  return () => {
    for (const { hear, name } of heard) unsubscribe(name, hear);
    for (const family of families) family.close?.();
  };
}

/** Node makes an uncaught exception of what a subscriber throws. */
function guarded(name: string, listener: Listener): (event: unknown) => void {
  return (event) => {
    try {
      listener(event as never);
    } catch (error) {
      diag.error(`@quorate/otel: ${name} was not recorded: ${show(error)}`);
    }
  };
}

function nowMs(): number {
  return systemRuntime.time.monotonicMs();
}
