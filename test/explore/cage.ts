/**
 * Where a variant is explored: the entry of a bundle, in a worker thread of its own.
 */
import { parentPort, workerData } from "node:worker_threads";

import { explore, formatSchedule, type ExploreOptions } from "@quorate/transaction/explore";

import { reference, type ReferenceOptions } from "./reference.ts";

/** What is to be explored. */
export interface Visit {
  readonly options: ReferenceOptions;
  readonly budget: ExploreOptions;
}

/** What it came to. */
export interface Sighting {
  readonly schedules: number;
  readonly violations: number;
  readonly exhausted: boolean;
  /** Schedules that ended undone. */
  readonly compensated: number;
  /** The shortest failure in words; empty: none. */
  readonly shortest: string;
  readonly faults: number;
  readonly tookMs: number;
}

async function visit({ options, budget }: Visit): Promise<Sighting> {
  const startedMs = performance.now();
  const report = await explore(reference(options), budget);
  const { schedules, violations, endings, exhausted, shortest } = report;
  return {
    compensated: endings.get("compensated") ?? 0,
    schedules,
    violations,
    exhausted,
    shortest: shortest === undefined ? "" : formatSchedule(shortest),
    faults: shortest?.faults ?? 0,
    tookMs: performance.now() - startedMs,
  };
}

const sighting = await visit(workerData as Visit);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(sighting);
