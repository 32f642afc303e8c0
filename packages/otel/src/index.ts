/**
 * Traces and metrics of every Quorate primitive for OpenTelemetry.
 */
export {};
