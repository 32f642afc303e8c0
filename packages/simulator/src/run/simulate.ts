/**
 * Many runs: seed after seed until one fails, or none does.
 *
 * A seed that fails is run again with the trace on. That gives the lines that led there, and it
 * proves that the failure can be replayed: if the second run goes another way, the code under test
 * depends on something outside its seed, which is a finding of its own. With `shrink` it is run
 * again and again, with fewer faults and milder ones, until none can be spared.
 *
 * Between two seeds the real event loop takes a turn. `QUORATE_SEED=0x2f` in the environment makes
 * every simulation run that seed alone: that is the command which an error prints.
 */
import { knownOptions, QuorateError } from "@quorate/core";
import { installGuard } from "../kernel/guard.ts";
import { turnOfTheLoop } from "../kernel/host.ts";
import type { SeedLike } from "../kernel/seed.ts";
import { failed, runSeed, type SeedOptions } from "./run-seed.ts";
import { chosenSeeds } from "./seeds.ts";
import { type SimulationReport, Tally } from "./tally.ts";

/** How far a simulation is. */
export interface Progress {
  readonly done: number;
  readonly seeds: number;
  readonly failed: number;
}

/** What becomes of a failing seed: an error, the end of the report, or one of many in it. */
export type OnFailure = "throw" | "stop" | "collect";

/** What to simulate. */
export interface SimulateOptions extends SeedOptions {
  /** How many seeds, from 1; or which. */
  readonly seeds: number | Iterable<SeedLike>;
  /** Names of faults, events and marks that at least one seed must hit. */
  readonly mustHit?: readonly string[];
  /** A failing seed ends all, with an error or with a report, or is kept. @default "throw" */
  readonly onFailure?: OnFailure;
  /** Stops between two seeds. */
  readonly signal?: AbortSignal;
  /** Called after each seed. */
  readonly onProgress?: (progress: Progress) => void;
}

const OPTIONS = [
  "world",
  "durationMs",
  "profile",
  "atLeast",
  "globals",
  "drain",
  "shrink",
  "seeds",
  "mustHit",
  "onFailure",
  "signal",
  "onProgress",
] as const;

/**
 * Runs a world under many seeds.
 *
 * @throws SIMULATION_FAILED a seed found a violation, or none hit what `mustHit` names.
 * @throws INVALID_ARGUMENT an option is not what it must be.
 *
 * @example
 * const report = await simulate({
 *   seeds: 20,
 *   durationMs: 60_000,
 *   world(sim) {
 *     sim.process("worker", { count: 3, main: (process) => process.sleep(1_000) });
 *     sim.always("time goes on", () => sim.nowMs >= 0);
 *   },
 * });
 * console.log(report.failures.length); // => 0
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  knownOptions("options", options, OPTIONS);
  const { seeds, isReplay } = chosenSeeds(options.seeds);
  const tally = new Tally();
  // Once for all runs: to hang the doors in and out costs as much as a short run.
  const restoreGuard = installGuard();
  try {
    await runAll(options, seeds, tally);
  } finally {
    restoreGuard();
  }
  const report = tally.report();
  if (!isReplay && report.failures.length === 0) checkHits(report, options.mustHit ?? []);
  return report;
}

async function runAll(
  options: SimulateOptions,
  seeds: readonly SeedLike[],
  tally: Tally,
): Promise<void> {
  const { signal, onProgress, onFailure = "throw" } = options;
  for (const [index, seed] of seeds.entries()) {
    signal?.throwIfAborted();
    // Watching is slow, and code that reaches outside mostly does so in every run: once is enough.
    const { result, failure } = await runSeed(options, seed, index === 0);
    tally.add(result);
    if (failure !== undefined) {
      if (onFailure === "throw") throw failed(failure);
      tally.failures.push(failure);
    }
    onProgress?.({ done: index + 1, seeds: seeds.length, failed: tally.failures.length });
    if (failure !== undefined && onFailure === "stop") return;
    await turnOfTheLoop();
  }
}

/** @throws SIMULATION_FAILED no seed hit one of `names`. */
export function checkHits({ counts, seeds }: SimulationReport, names: readonly string[]): void {
  const hit = (name: string): boolean =>
    ["", "fault.", "event.", "mark."].some((prefix) => (counts.get(prefix + name) ?? 0) > 0);
  const missed = names.filter((name) => !hit(name));
  if (missed.length === 0) return;
  const message =
    `none of ${seeds} seeds hit ${missed.join(", ")}: what never happens is not tested; ` +
    "run more seeds, a harsher profile, or mend the name";
  throw new QuorateError("SIMULATION_FAILED", message, {
    effect: "none",
    details: { seed: "all", claim: "mustHit", atMs: 0, node: "", replay: "" },
  });
}
