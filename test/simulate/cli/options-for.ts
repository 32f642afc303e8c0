/**
 * A scenario's options, from what can be sent to a thread: the module that threads load.
 */
import type { EngineName, ProfileName, RunOptions, ShrinkOptions } from "@quorate/simulator";

import { SCENARIOS } from "../scenarios.ts";

/** A scenario on an engine. Plain data. */
export interface Setup {
  readonly scenario: string;
  readonly engine: EngineName;
  readonly profile: ProfileName;
  readonly shrink: boolean | ShrinkOptions;
  /** @default the scenario's */
  readonly durationMs?: number;
}

/** Options of `simulate`, but for the seeds. */
export function optionsFor(setup: Setup): RunOptions & { readonly shrink: Setup["shrink"] } {
  const scenario = SCENARIOS.find(({ name }) => name === setup.scenario);
  if (scenario === undefined) throw new Error(`no scenario "${setup.scenario}"`);
  const durationMs = setup.durationMs ?? scenario.durationMs;
  // A shorter run is asked for less, for nothing where less than one is due: it may be all trouble.
  // That everybody gets on in the end is a claim of its own.
  const share = Math.min(1, durationMs / scenario.durationMs);
  const atLeast = Object.entries(scenario.atLeast).map(([name, least]) => {
    return [name, Math.floor(least * share)] as const;
  });
  return {
    durationMs,
    profile: setup.profile,
    atLeast: Object.fromEntries(atLeast),
    shrink: setup.shrink,
    world: (sim) => scenario.world(sim, setup.engine),
  };
}

/** The one command that plays a seed of `setup` again. */
export function commandFor(setup: Setup, seed: string): string {
  const { scenario, engine, profile, durationMs } = setup;
  const length = durationMs === undefined ? "" : ` --seconds ${durationMs / 1_000}`;
  const shrink = setup.shrink === false ? "" : " --shrink";
  const how = `--engine ${engine} --profile ${profile}${length}${shrink}`;
  return `npm run simulate -- ${scenario} ${how} --seed ${seed}`;
}
