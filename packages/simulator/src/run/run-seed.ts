/**
 * One seed, and if it fails all that people need of it: a second run with the trace on, and where
 * asked for the smallest plan with which it still fails.
 */
import { QuorateError } from "@quorate/core";
import type { SeedLike } from "../kernel/seed.ts";
import { shrink, type ShrinkOptions } from "../shrink/shrink.ts";
import { type Failure, failureText, replayCommand } from "./failure.ts";
import { type RunOptions, runOnce, type RunResult } from "./run-once.ts";

/** Lines of trace that an error shows. */
const SHOWN_LINES = 40;

/** Lines of trace that a failure keeps. */
const KEPT_LINES = 2_000;

/** How seeds are run, one after another. */
export interface SeedOptions extends RunOptions {
  /**
   * Whether a failing seed's plan is shrunk to the faults that it takes, and how long to try.
   *
   * @default false
   */
  readonly shrink?: boolean | ShrinkOptions;
}

/** A run, and its failure if it failed. */
export interface SeedOutcome {
  readonly result: RunResult;
  readonly failure?: Failure;
}

/** Runs `seed`; if it fails, again and again until it can be told. */
export async function runSeed(
  options: SeedOptions,
  seed: SeedLike,
  watch: boolean,
): Promise<SeedOutcome> {
  const result = await runOnce({ ...options, seed, watch });
  if (result.violation === undefined) return { result };
  return { result, failure: await explain(options, result) };
}

async function explain(options: SeedOptions, result: RunResult): Promise<Failure> {
  const { seed, plan, violation: first, hash } = result;
  const traced = { ...options, watch: true, traceLines: KEPT_LINES };
  const again = await runOnce({ ...traced, seed, plan });
  // The second time errors have their stacks.
  const violation = again.violation ?? first ?? { claim: "none", message: "", atMs: 0, node: "" };
  const isDeterministic = again.hash === hash;
  const base = { seed, hash, isDeterministic, replay: replayCommand(seed) };
  const whole = { ...base, plan, violation, trace: again.trace };
  if (options.shrink === undefined || options.shrink === false || !isDeterministic) return whole;
  const limits = options.shrink === true ? {} : options.shrink;
  const shrunken = await shrink(options, { seed, plan, violation }, limits);
  const shown = await runOnce({ ...traced, seed, plan: shrunken.plan });
  return {
    ...whole,
    shrunken: { ...shrunken, violation: shown.violation ?? shrunken.violation },
    trace: shown.trace,
  };
}

/** A failure as the error that ends a simulation. */
export function failed(failure: Failure): QuorateError<"SIMULATION_FAILED"> {
  const { seed, violation, replay: command } = failure;
  const { claim, atMs, node, cause } = violation;
  return new QuorateError("SIMULATION_FAILED", failureText(failure, SHOWN_LINES), {
    effect: "none",
    details: { seed, claim, atMs, node, replay: command },
    cause,
  });
}
