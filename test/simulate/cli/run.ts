/**
 * Runs a scenario's seeds, here or in threads.
 */
import {
  type Progress,
  simulate,
  simulateInWorkers,
  type SimulationReport,
} from "@quorate/simulator";

import { optionsFor, type Setup } from "./options-for.ts";
import type { Row } from "./table.ts";

/** How to run. */
export interface HowToRun {
  readonly seeds: readonly bigint[];
  readonly workers: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** All seeds of one setup up to the first that fails, and what they cost. */
export async function runSetup(setup: Setup, how: HowToRun): Promise<Row> {
  const before = process.cpuUsage();
  const report = await simulation(setup, how);
  const { user, system } = process.cpuUsage(before);
  return { name: `${setup.scenario} on ${setup.engine}`, report, cpuMs: (user + system) / 1_000 };
}

function simulation(setup: Setup, how: HowToRun): Promise<SimulationReport> {
  const { seeds, workers, signal, onProgress } = how;
  const run = { seeds, signal, onProgress, onFailure: "stop" } as const;
  if (workers === 1) return simulate({ ...optionsFor(setup), ...run });
  const file = isSource() ? "./options-for.ts" : "./options-for.js";
  const module = new URL(file, import.meta.url);
  return simulateInWorkers({ ...run, module, export: "optionsFor", args: setup, workers });
}

/** The command's files are joined before it runs; see scripts/simulate.mjs. */
function isSource(): boolean {
  return import.meta.url.endsWith(".ts");
}
