/** Our facade and the real opossum, to be asked the same things on the same fake clock. */
import type { EventEmitter } from "node:events";

import { type Runtime, systemRuntime } from "@quorate/core";
import Opossum from "opossum";
import { vi } from "vitest";

import { CircuitBreaker } from "./circuit-breaker.ts";
import type { CircuitBreakerOptions } from "./options.ts";

export type Action = (...args: never[]) => unknown;

/** What both have in common. */
export type Circuit = EventEmitter &
  Pick<
    CircuitBreaker,
    | "fire"
    | "call"
    | "open"
    | "close"
    | "enable"
    | "disable"
    | "shutdown"
    | "fallback"
    | "healthCheck"
    | "clearCache"
    | "getSignal"
    | "stats"
    | "closed"
    | "opened"
    | "halfOpen"
    | "pendingClose"
    | "warmUp"
    | "enabled"
    | "isShutdown"
    | "name"
    | "group"
    | "toJSON"
  >;

export type Make = (action: Action, options?: CircuitBreakerOptions<never>) => Circuit;

/** A fake clock starts anew with each test, so what is kept by runtime must too. */
let runtime: Runtime = systemRuntime;

/** Ours. */
export const ours: Make = (action, options = {}) =>
  new CircuitBreaker(action, { runtime, ...options }) as unknown as Circuit;

/** The real one. */
export const real: Make = (action, options = {}) =>
  new Opossum(action as never, options as never) as unknown as Circuit;

/** Both, with their names. */
export const both: readonly (readonly ["ours" | "opossum", Make])[] = [
  ["ours", ours],
  ["opossum", real],
];

/** Puts the process on a fake clock, on which both run. */
export function fakeClock(): void {
  runtime = { ...systemRuntime, time: { ...systemRuntime.time } };
  vi.useFakeTimers({
    now: 1_767_225_600_000,
    toFake: [
      "setTimeout",
      "clearTimeout",
      "setInterval",
      "clearInterval",
      "Date",
      "performance",
      "hrtime",
    ],
  });
}

/** Lets fake time pass, and promises settle. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** A promise that never settles. */
export const hang = (): Promise<never> => new Promise(() => {});

/** `settled` within a few turns, or "pending". */
export async function seen(promise: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = "pending";
  promise.then(
    (value) => (outcome = { value }),
    (error: unknown) => (outcome = { error }),
  );
  await pass(0);
  return outcome;
}

const EVENTS = [
  "fire",
  "reject",
  "timeout",
  "success",
  "failure",
  "open",
  "close",
  "halfOpen",
  "fallback",
  "semaphoreLocked",
  "healthCheckFailed",
  "shutdown",
  "cacheHit",
  "cacheMiss",
  "coalesceCacheHit",
  "coalesceCacheMiss",
];

/** What an error says, so that two errors can be compared. */
export function plain(value: unknown): unknown {
  if (value instanceof Promise) return "a promise";
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Error)) return value;
  return { message: value.message, code: (value as { code?: unknown }).code };
}

export function record(breaker: Circuit): unknown[] {
  const heard: unknown[] = [];
  for (const name of EVENTS) {
    breaker.on(name, (...args: unknown[]) => heard.push([name, ...args.map(plain)]));
  }
  return heard;
}

export function stateOf(breaker: Circuit): unknown {
  const {
    latencyTimes: _times,
    latencyMean: _mean,
    percentiles: _shares,
    ...counts
  } = breaker.stats;
  const { closed, opened, halfOpen, pendingClose, enabled, isShutdown, warmUp } = breaker;
  return { closed, opened, halfOpen, pendingClose, enabled, isShutdown, warmUp, counts };
}

/** What `act` can be told to do. */
export type Deed = "value" | "async value" | "reject" | "throw" | "filtered" | "hang";
const deeds: Readonly<Record<Deed, () => unknown>> = {
  value: () => 42,
  "async value": async () => "later",
  reject: () => Promise.reject(new Error("down")),
  throw: () => {
    throw new Error("at once");
  },
  filtered: () => Promise.reject(new Error("not found")),
  hang,
};

/** An action that does as it is told. */
export const act: Action = (deed: Deed) => deeds[deed]();
