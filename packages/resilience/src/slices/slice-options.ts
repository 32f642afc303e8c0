/**
 * Options of what is shared by slices, checked once.
 */
import {
  type Backend,
  checkName,
  inRange,
  invalidArgument,
  type Ms,
  positiveInteger,
} from "@quorate/core";

import { MOST_INSTANCES } from "./fleet-record.ts";
import type { OnStoreLost } from "./tenure.ts";

/** Shortest and longest period: a lease of three must fit the record's retention. */
const PERIOD_MS = [50, 3_600_000] as const;

/** What all that is shared by slices takes. */
export interface SliceOptions {
  /**
   * How often an instance with traffic renews its slice. Demand that shifts is followed within two
   * or three of them; each costs about two store calls per active instance. @default 1000
   */
  readonly periodMs?: Ms;
  /** Most instances that hold slices at a time; others are refused. At most 1024. @default 256 */
  readonly maxInstances?: number;
  /** What an instance does that has not reached the store for three periods. @default "halve" */
  readonly onStoreLost?: OnStoreLost;
}

/** `SliceOptions`, with nothing left open. */
export interface CheckedSlices {
  readonly periodMs: Ms;
  readonly maxInstances: number;
  readonly onStoreLost: OnStoreLost;
}

/** Names of the options that all of them take. */
export const SLICE_OPTIONS = ["periodMs", "maxInstances", "onStoreLost"] as const;

/** Checks what all have in common. @throws INVALID_ARGUMENT */
export function checkSlices(options: SliceOptions): CheckedSlices {
  const { onStoreLost = "halve", maxInstances = 256, periodMs = 1_000 } = options;
  if (onStoreLost !== "halve" && onStoreLost !== "stop" && onStoreLost !== "local") {
    throw invalidArgument("onStoreLost", onStoreLost, '"halve", "stop" or "local"');
  }
  inRange("maxInstances", positiveInteger("maxInstances", maxInstances), 1, MOST_INSTANCES);
  return { periodMs: inRange("periodMs", periodMs, ...PERIOD_MS), maxInstances, onStoreLost };
}

/** The key at which a fleet called `name` keeps its record. @throws INVALID_ARGUMENT, TOO_LARGE */
export function fleetKey(what: string, name: string): string {
  return checkName("name", `quorate-${what}/${checkName("name", name)}`);
}

/** `backend` if it looks like one. @throws INVALID_ARGUMENT */
export function checkBackend(backend: Backend): Backend {
  const { kv, runtime } = (backend ?? {}) as Partial<Backend>;
  if (typeof kv?.put === "function" && typeof runtime?.time?.monotonicMs === "function") {
    return backend;
  }
  throw invalidArgument("backend", backend, "a backend");
}
