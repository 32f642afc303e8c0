/**
 * The errors of the facade: plain errors with opossum's codes and texts, and with an `effect`.
 *
 * They are recognised by identity, so what an action throws is never taken for one of them,
 * whatever it looks like.
 */
import type { Effect } from "@quorate/core";

/** Codes of the facade's own errors. */
export type CircuitErrorCode = "EOPENBREAKER" | "ESEMLOCKED" | "ESHUTDOWN" | "ETIMEDOUT";

/** An error that the facade made. */
export interface CircuitError extends Error {
  readonly code: CircuitErrorCode;
  /** `none`: the action did not run; `unknown`: it ran into its timeout. */
  readonly effect: Effect;
}

const ours = new WeakSet<object>();

/** Makes an error; without a stack, which would only point here. */
export function circuitError(code: CircuitErrorCode, message: string): CircuitError {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    const effect: Effect = code === "ETIMEDOUT" ? "unknown" : "none";
    const error = Object.assign(new Error(message), { code, effect });
    ours.add(error);
    return error;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Whether the facade made it. */
export function isOurs(error: unknown): error is CircuitError {
  return typeof error === "object" && error !== null && ours.has(error);
}

/** Whether the caller gave up, so that it says nothing of the dependency. */
export function isAbort(error: unknown): boolean {
  try {
    return error instanceof Error && error.name === "AbortError";
  } catch {
    return false;
  }
}
