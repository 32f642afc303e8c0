/**
 * Events of the facade: opossum's names and arguments.
 */
import type { CircuitError } from "./errors.ts";

/** Arguments of the listeners, by event. */
export interface CircuitBreakerEvents<A extends unknown[] = unknown[], R = unknown> {
  /** `fire` was called. */
  fire: [args: A];
  /** The circuit is open: the action did not run. */
  reject: [error: CircuitError];
  /** The action did not end in time. */
  timeout: [error: CircuitError, latencyMs: number, args: A];
  /** The action succeeded, or threw what `errorFilter` takes for an answer. */
  success: [result: R, latencyMs: number];
  /** The action failed, or timed out. */
  failure: [error: unknown, latencyMs: number, args: A];
  /** Now open. */
  open: [];
  /** Now closed. */
  close: [];
  /** Now half-open, after so many ms of being open. */
  halfOpen: [resetTimeoutMs: number];
  /** The fallback was called and returned this. */
  fallback: [result: unknown, error: unknown];
  /** As many actions as `capacity` allows are running: this one did not. */
  semaphoreLocked: [error: CircuitError, latencyMs: number];
  /** The health check rejected. */
  healthCheckFailed: [error: unknown];
  /** Shut down; the last event. */
  shutdown: [];
  /** A kept result was found. */
  cacheHit: [];
  /** None was found. */
  cacheMiss: [];
  /** A run to share was found. */
  coalesceCacheHit: [];
  /** None was found. */
  coalesceCacheMiss: [];
}

/** Tells listeners; cannot fail. */
export type Tell = <K extends keyof CircuitBreakerEvents>(
  name: K,
  ...args: CircuitBreakerEvents[K]
) => void;
