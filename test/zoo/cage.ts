/**
 * Where code with a bug in it is run: the entry of a bundle, in a worker thread of its own.
 *
 * A bug may hang; then the worker is ended from outside, and nothing else is harmed.
 */
import { parentPort, workerData } from "node:worker_threads";

import { isQuorateError } from "@quorate/core";
import { simulate } from "@quorate/simulator";

import { PROFILES } from "./profiles.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Habitat } from "./specimen.ts";

/** What is to be run. */
export interface Visit extends Pick<Habitat, "scenario" | "engine" | "profile"> {
  /** In this order, until one finds something. */
  readonly seeds: readonly number[];
}

/** What one visit came to. */
export type Sighting =
  | {
      readonly kind: "found";
      readonly seed: number;
      /** How many seeds were run, this one included. */
      readonly tried: number;
      readonly claim: string;
      readonly message: string;
    }
  | { readonly kind: "quiet"; readonly tried: number };

async function visit({ scenario: name, engine, profile, seeds }: Visit): Promise<Sighting> {
  const scenario = SCENARIOS[name];
  let tried = 0;
  try {
    await simulate({
      seeds,
      durationMs: scenario.durationMs,
      profile: PROFILES[profile],
      atLeast: scenario.atLeast,
      world: (sim) => scenario.world(sim, engine),
      onProgress: ({ done }) => (tried = done),
    });
    return { kind: "quiet", tried };
  } catch (error) {
    if (!isQuorateError(error, "SIMULATION_FAILED")) throw error;
    const { seed, claim } = error.details;
    const [message = ""] = error.message.split("\n");
    return { kind: "found", seed: Number(seed), tried: tried + 1, claim, message };
  }
}

const sighting = await visit(workerData as Visit);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(sighting);
