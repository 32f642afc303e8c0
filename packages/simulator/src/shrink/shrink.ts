/**
 * Shrinks the plan of a failing seed: which of its faults suffice, and how mild they may be.
 *
 * A run is its seed and its plan, and every part of a world has a stream of chance of its own, so
 * a plan can be played with fewer faults, and most of the run stays as it was. First faults are
 * left out as long as the same claim still fails (see `ddmin.ts`), then those that are needed are
 * made milder: half as long, of fewer nodes.
 *
 * Guarantees: the plan that comes out was run, and failed with the same claim; shrinking ends
 * after `maxRuns` runs; the same input gives the same plan, unless `maxMs` of real time ended it.
 * Does not guarantee the smallest plan there is, nor that it fails for the same reason: only the
 * claim is compared. With fewer faults the same claim may fail later, or earlier.
 */
import { knownOptions, positive, positiveInteger, systemRuntime } from "@quorate/core";
import type { Fault, FaultPlan } from "../kernel/faults.ts";
import type { Violation } from "../kernel/kernel.ts";
import type { SeedLike } from "../kernel/seed.ts";
import { type RunOptions, runOnce, type RunResult } from "../run/run-once.ts";
import { ddmin } from "./ddmin.ts";
import { milder } from "./smaller-faults.ts";

/** How long to try. */
export interface ShrinkOptions {
  /** Runs at most. @default 300 */
  readonly maxRuns?: number;
  /** Real time at most; the run under way is finished. @default 60000 */
  readonly maxMs?: number;
  /** Stops between two runs; what was found so far is the result. */
  readonly signal?: AbortSignal;
}

/** A failing run to be shrunk. */
export interface FailingRun {
  readonly seed: SeedLike;
  readonly plan: FaultPlan;
  readonly violation: Violation;
}

/** What shrinking came to. */
export interface Shrunken {
  /** Faults that suffice. */
  readonly plan: FaultPlan;
  /** What fails with them: the same claim. */
  readonly violation: Violation;
  /** Faults of the plan before. */
  readonly of: number;
  /** Runs that it took. */
  readonly runs: number;
  /** Whether it ended by itself, and not by a bound: no fault can be spared. */
  readonly isMinimal: boolean;
}

/**
 * The smallest plan found with which `run`'s claim still fails.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 *
 * @example
 * const options: RunOptions = {
 *   durationMs: 10_000,
 *   profile: "harsh",
 *   world(sim) {
 *     sim.process("worker", { count: 2, main: (process) => process.sleep(60_000) });
 *     sim.always("nobody is killed", () => sim.node("worker-1").state !== "dead");
 *   },
 * };
 * const { seed, plan, violation } = await runOnce({ ...options, seed: 1 });
 * if (violation !== undefined) {
 *   const { plan: needed } = await shrink(options, { seed, plan, violation });
 *   console.log(needed.length); // => 1
 * }
 */
export async function shrink(
  options: RunOptions,
  run: FailingRun,
  limits: ShrinkOptions = {},
): Promise<Shrunken> {
  knownOptions("limits", limits, ["maxRuns", "maxMs", "signal"]);
  const search = new Search(options, run, limits);
  const { claim, atMs } = run.violation;
  // What came after the violation did not cause it, and is most of a long plan.
  const before = run.plan.filter((fault) => fault.atMs <= atMs);
  const start = (await search.stillFails(before)) === true ? before : run.plan;
  await ddmin(start, (plan) => search.stillFails(plan));
  await search.soften();
  const { plan, violation } = search.smallest;
  return {
    plan,
    violation: violation ?? { claim, message: "", atMs, node: "" },
    of: run.plan.length,
    runs: search.runs,
    isMinimal: !search.isOver,
  };
}

/** Asks one plan after another, and keeps the last one that failed. */
class Search {
  readonly #options: RunOptions;
  readonly #run: FailingRun;
  readonly #maxRuns: number;
  readonly #endMs: number;
  readonly #signal: AbortSignal | undefined;
  #smallest: Pick<RunResult, "plan" | "violation">;
  #runs = 0;
  #refused = false;

  constructor(options: RunOptions, run: FailingRun, limits: ShrinkOptions) {
    this.#options = options;
    this.#run = run;
    this.#smallest = run;
    this.#maxRuns = positiveInteger("maxRuns", limits.maxRuns ?? 300);
    this.#endMs = systemRuntime.time.monotonicMs() + positive("maxMs", limits.maxMs ?? 60_000);
    this.#signal = limits.signal;
  }

  get smallest(): Pick<RunResult, "plan" | "violation"> {
    return this.#smallest;
  }

  get runs(): number {
    return this.#runs;
  }

  /** Whether a run was wanted for which there was no budget. */
  get isOver(): boolean {
    return this.#refused;
  }

  /** Whether the claim fails with `plan`. */
  async stillFails(plan: FaultPlan): Promise<boolean | undefined> {
    const isLate = systemRuntime.time.monotonicMs() >= this.#endMs;
    if (isLate || this.#runs >= this.#maxRuns || this.#signal?.aborted === true) {
      this.#refused = true;
      return undefined;
    }
    this.#runs += 1;
    const result = await runOnce({ ...this.#options, seed: this.#run.seed, plan });
    const isSame = result.violation?.claim === this.#run.violation.claim;
    if (isSame) this.#smallest = result;
    return isSame;
  }

  /** Makes each fault as mild as it may be, the last first: it is the nearest to the failure. */
  async soften(): Promise<void> {
    for (let index = this.#smallest.plan.length - 1; index >= 0; index--) {
      while (await this.#soften(index));
    }
  }

  async #soften(index: number): Promise<boolean> {
    const { plan } = this.#smallest;
    const fault = plan[index];
    if (fault === undefined) return false;
    for (const version of milder(fault)) {
      const failed = await this.stillFails(replaced(plan, index, version));
      if (failed === undefined) return false;
      if (failed) return true;
    }
    return false;
  }
}

function replaced(plan: FaultPlan, index: number, fault: Fault): FaultPlan {
  return plan.map((one, at) => (at === index ? fault : one));
}
