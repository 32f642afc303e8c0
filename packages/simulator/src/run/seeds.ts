/**
 * Which seeds to run: those asked for, or the one that `QUORATE_SEED` names.
 */
import { invalidArgument, positiveInteger } from "@quorate/core";
import { parseSeed, type SeedLike } from "../kernel/seed.ts";

/** Seeds to be run. */
export interface ChosenSeeds {
  readonly seeds: readonly SeedLike[];
  /** One that failed is run again: what all of them must hit does not count. */
  readonly isReplay: boolean;
}

/** `QUORATE_SEED` of the environment, alone; without it `asked`: how many from 1, or which. */
export function chosenSeeds(asked: number | Iterable<SeedLike>): ChosenSeeds {
  const only = process.env["QUORATE_SEED"];
  if (only !== undefined) return { seeds: [only], isReplay: true };
  return { seeds: listOf(asked), isReplay: false };
}

function listOf(asked: number | Iterable<SeedLike>): readonly SeedLike[] {
  if (typeof asked === "number") {
    positiveInteger("seeds", asked);
    return Array.from({ length: asked }, (_, index) => index + 1);
  }
  const listed = [...asked];
  for (const seed of listed) parseSeed(seed);
  if (listed.length === 0) throw invalidArgument("seeds", asked, "a number, or at least one seed");
  return listed;
}
