/**
 * What the families of events work with: a tracer, the metrics of the table, and what keeps
 * attributes bounded.
 */
import { createHash } from "node:crypto";

import {
  type Attributes,
  type Context,
  context,
  type Link,
  type Meter,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from "@opentelemetry/api";
import { isQuorateError, type Ms, systemRuntime } from "@quorate/core";

import { type MetricFacts, type MetricId, METRICS } from "./names.ts";

/** What spans show of keys and ids. */
export type KeyPolicy = "plain" | "hash" | "omit";

/** How a span begins. */
export interface SpanStart {
  readonly attributes?: Attributes;
  readonly kind?: SpanKind;
  readonly links?: readonly Link[];
  /** Where it stands. @default the active context */
  readonly within?: Context;
  /** It began this long ago. @default 0 */
  readonly agoMs?: Ms;
}

type Recorder = (value: number, attributes: Attributes) => void;

const MAX_KEY_CHARACTERS = 128;
const MAX_NAME_CHARACTERS = 128;
const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER };

/** Tracer, metrics, bounds. */
export class Telemetry {
  readonly #tracer: Tracer;
  readonly #recorders = new Map<MetricId, Recorder>();
  readonly #keys: KeyPolicy;
  readonly #maxNames: number;
  readonly #names = new Map<string, Set<string>>();

  constructor(
    tracer: Tracer,
    meter: Meter,
    options: { readonly keys: KeyPolicy; readonly maxNames: number },
  ) {
    this.#tracer = tracer;
    this.#keys = options.keys;
    this.#maxNames = options.maxNames;
    for (const [id, facts] of Object.entries(METRICS)) {
      this.#recorders.set(id as MetricId, recorderOf(meter, facts));
    }
  }

  /** Adds to a metric, or records a value of it. */
  record(id: MetricId, value: number, attributes: Attributes = {}): void {
    this.#recorders.get(id)?.(value, attributes);
  }

  /** Records a duration, which the table has in seconds. */
  time(id: MetricId, ms: Ms, attributes: Attributes = {}): void {
    this.record(id, Math.max(0, ms) / 1_000, attributes);
  }

  /** Begins a span. */
  begin(name: string, start: SpanStart = {}): Span {
    const { agoMs = 0, attributes = {}, kind = KINDS.internal, links = [], within } = start;
    const startTime = agoMs > 0 ? { startTime: systemRuntime.time.wallMs() - agoMs } : {};
    return this.#tracer.startSpan(
      name,
      { kind, attributes, links: [...links], ...startTime },
      within ?? context.active(),
    );
  }

  /** `value` as an attribute of metrics: the first `maxNames` different ones, the rest as one. */
  name(attribute: string, value: string): string {
    let known = this.#names.get(attribute);
    if (known === undefined) this.#names.set(attribute, (known = new Set()));
    if (known.has(value)) return value;
    if (known.size >= this.#maxNames || value.length > MAX_NAME_CHARACTERS) return "_OTHER";
    known.add(value);
    return value;
  }

  /** A key or an id as an attribute of a span, by the policy; nothing where it is to be omitted. */
  key(attribute: string, value: string): Attributes {
    if (this.#keys === "omit") return {};
    if (this.#keys === "plain") return { [attribute]: value.slice(0, MAX_KEY_CHARACTERS) };
    const hash = createHash("sha256").update(value).digest("hex").slice(0, 16);
    return { [attribute]: hash };
  }
}

/** Marks a span as failed, with the code of the error and not its words. */
export function fail(span: Span, code: string): void {
  span.setAttribute("error.type", code);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** What an error is called in attributes: its code, or its class. */
export function typeOf(error: unknown): string {
  if (isQuorateError(error)) return error.code;
  return error instanceof Error ? error.name.slice(0, MAX_NAME_CHARACTERS) : typeof error;
}

function recorderOf(meter: Meter, { name, kind, unit, description }: MetricFacts): Recorder {
  const options = { unit, description };
  if (kind === "histogram") {
    const instrument = meter.createHistogram(name, { ...options, advice: SECONDS });
    return (value, attributes) => instrument.record(value, attributes);
  }
  if (kind === "gauge") {
    const instrument = meter.createGauge(name, options);
    return (value, attributes) => instrument.record(value, attributes);
  }
  const instrument =
    kind === "counter"
      ? meter.createCounter(name, options)
      : meter.createUpDownCounter(name, options);
  return (value, attributes) => instrument.add(value, attributes);
}

/** From a tenth of a millisecond, a lock in memory, to an hour, a saga that waited for a person. */
const SECONDS = {
  explicitBucketBoundaries: [
    0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600,
    3_600,
  ],
};
