/**
 * `@quorate/otel`: traces and metrics of every Quorate primitive for OpenTelemetry.
 */
export { instrumentBackend, type InstrumentBackendOptions } from "./backend.ts";
export {
  instrument,
  type Instrumentation,
  type InstrumentedPart,
  type InstrumentOptions,
} from "./instrument.ts";
export {
  type MetricFacts,
  type MetricId,
  type MetricKind,
  METRICS,
  SPAN_EVENTS,
  type SpanFacts,
  SPANS,
} from "./names.ts";
export type { KeyPolicy } from "./telemetry.ts";
