/**
 * What the fleet's processes are told, and what they write down.
 *
 * A worker writes each event to a file of its own before it goes on, by a call that has returned
 * when the kernel has the line: what a process did before a SIGKILL is known, to the last run.
 */
import type { Route } from "../faults/protocol.ts";

/** Where a worker finds its mission. */
export const MISSION = "QUORATE_FLEET_MISSION";

/** The schedules that every worker runs: one that gives a crashed run up, one that repeats it. */
export const JOBS = ["skips", "retries"] as const;
export type Job = (typeof JOBS)[number];

/** The leadership that every worker campaigns for. */
export const ELECTION = "fleet";

/** A schedule has a tick each second. */
export const PERIOD_MS = 1_000;

/** Short, so that a lost worker is replaced while the run goes on. */
export const LEASE_MS = 3_000;

/** What one worker is told. */
export interface Mission {
  readonly name: string;
  readonly route: Route;
  readonly namespace: string;
  /** Its wall clock is the machine's, plus this. */
  readonly skewMs: number;
  readonly seed: number;
  /** Where it writes its events. */
  readonly file: string;
}

/** One line of a worker's file. Times are the machine's monotonic clock, which all share. */
export type Noted =
  /** A run's first and last line. */
  | {
      readonly kind: "began" | "ended";
      readonly job: Job;
      readonly tick: number;
      readonly key: string;
      readonly attempt: number;
      readonly token: number;
      readonly atMs: number;
    }
  /** The effect of a run reached the guarded record, or was refused there. */
  | {
      readonly kind: "wrote" | "stale";
      readonly tick: number;
      readonly token: number;
      readonly atMs: number;
    }
  /** `check()` passed at some instant between the two. */
  | {
      readonly kind: "leads";
      readonly term: number;
      readonly fromMs: number;
      readonly toMs: number;
    }
  /** An observer was told of a new leader. */
  | { readonly kind: "sees"; readonly term: number; readonly leader: string; readonly atMs: number }
  | { readonly kind: "broken"; readonly message: string };
