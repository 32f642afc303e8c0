/**
 * The real OpenTelemetry SDK with exporters in memory, for tests.
 */
import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

import { instrument, type InstrumentOptions } from "./instrument.ts";
import { type MetricId, METRICS, SPANS } from "./names.ts";

/** One point of a metric. */
export interface Point {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** A sum or a last value; of a histogram its count. */
  readonly value: number;
  /** Of a histogram. */
  readonly sum?: number | undefined;
}

/** An SDK in memory, instrumented. */
export class World implements Disposable {
  readonly spansOut: InMemorySpanExporter = new InMemorySpanExporter();
  readonly #metricsOut = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly tracerProvider: BasicTracerProvider;
  readonly meterProvider: MeterProvider;
  readonly #stop: { close(): void };

  constructor(options: InstrumentOptions = {}) {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    this.tracerProvider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(this.spansOut)],
    });
    const exporter = this.#metricsOut;
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    this.meterProvider = new MeterProvider({ readers: [reader] });
    const { meterProvider, tracerProvider } = this;
    this.#stop = instrument({ meterProvider, tracerProvider, ...options });
  }

  /** Ended spans, in the order of their ends. */
  spans(name?: string): ReadableSpan[] {
    const all = this.spansOut.getFinishedSpans();
    return name === undefined ? [...all] : all.filter((span) => span.name === name);
  }

  /** The one span called `name`. */
  span(name: string): ReadableSpan {
    const [found, another] = this.spans(name);
    if (found === undefined || another !== undefined) {
      throw new Error(`${name} is not one of ${this.spans().map((span) => span.name)}`);
    }
    return found;
  }

  /** The points of one metric until now. */
  async points(id: MetricId): Promise<Point[]> {
    const all = await this.allPoints();
    return all.get(METRICS[id].name) ?? [];
  }

  /** The points of all metrics until now, by name. */
  async allPoints(): Promise<Map<string, Point[]>> {
    await this.meterProvider.forceFlush();
    const last = this.#metricsOut.getMetrics().at(-1);
    const found = last?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? [];
    return new Map(
      found.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) =>
          typeof value === "number"
            ? { attributes, value }
            : { attributes, value: value.count, sum: value.sum },
        ),
      ]),
    );
  }

  /** What was emitted and is in no table: names, and attributes of names. */
  async strays(): Promise<string[]> {
    const metrics = new Map(Object.values(METRICS).map((facts) => [facts.name, facts]));
    const strays: string[] = [];
    for (const [name, points] of await this.allPoints()) {
      if (name.startsWith("otel.")) continue; // The SDK's own.
      const known: readonly string[] = metrics.get(name)?.attributes ?? [];
      for (const attribute of points.flatMap(({ attributes }) => Object.keys(attributes))) {
        if (!known.includes(attribute)) strays.push(`${name} ${attribute}`);
      }
    }
    for (const { attributes, kind, name } of this.spans()) {
      const facts = SPANS.find(
        (one) => SpanKind[kind] === one.kind.toUpperCase() && fits(one.name, name),
      );
      const own = Object.keys(attributes).filter((key) => facts?.attributes.includes(key) !== true);
      strays.push(...own.map((attribute) => `${name} ${attribute}`));
    }
    return strays;
  }

  /** Runs `work` within a span of the user's. */
  within<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.tracerProvider.getTracer("test").startActiveSpan(name, async (span) => {
      try {
        return await work();
      } finally {
        span.end();
      }
    });
  }

  /** Stops listening. */
  close(): void {
    this.#stop.close();
  }

  [Symbol.dispose](): void {
    this.close();
    context.disable();
    trace.disable();
    propagation.disable();
  }
}

/** Whether a span's name is of a pattern of the table. */
function fits(pattern: string, name: string): boolean {
  const parts = pattern
    .split(/\{\w+\}/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".+")}$`).test(name);
}
