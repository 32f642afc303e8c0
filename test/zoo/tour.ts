/**
 * A tour of the zoo: every specimen is let in, looked for, and told about.
 *
 * A finding counts if the very same seed is quiet without the bug; else it says nothing about the
 * bug, and something about us.
 */
import type { Sighting, Visit } from "./cage.ts";
import { bundle, watch } from "./hunt.ts";
import type { Specimen } from "./specimen.ts";

/** What became of the search for one specimen. */
export interface Finding {
  readonly specimen: Specimen;
  /** Missing: it was not found. */
  readonly found?: {
    readonly claim: string;
    readonly message: string;
    readonly seed: number;
    /** Seeds that it took. */
    readonly seeds: number;
  };
  /** Why not. */
  readonly problem?: string;
  /** Real time of the search, bundling included. */
  readonly elapsedMs: number;
}

/** How to go. */
export interface TourOptions {
  /** The first seed. @default 1 */
  readonly from?: number;
  /** Budgets are multiplied by this. @default 1 */
  readonly patience?: number;
  /** Specimens looked for at a time. @default 2 */
  readonly workers?: number;
  readonly onFinding?: (finding: Finding) => void;
}

/** Claims that stand for code that fell over: no bug is to be found by that. */
const ACCIDENTS = ["no uncaught error", "main does not fail"];

/** Looks for all of `specimens`. In their order. */
export async function tour(
  specimens: readonly Specimen[],
  options: TourOptions = {},
): Promise<readonly Finding[]> {
  const sound = await bundle();
  const findings: Finding[] = [];
  const queue = [...specimens.entries()];
  const guide = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, specimen] = next;
      const finding = await search(specimen, sound, options);
      findings[index] = finding;
      options.onFinding?.(finding);
    }
  };
  await Promise.all(Array.from({ length: options.workers ?? 2 }, guide));
  return findings;
}

async function search(
  specimen: Specimen,
  sound: string,
  { from = 1, patience = 1 }: TourOptions,
): Promise<Finding> {
  const startedMs = performance.now();
  const { scenario, engine, profile, seeds } = specimen.foundBy;
  const elapsed = (): number => performance.now() - startedMs;
  const all = Array.from({ length: seeds * patience }, (_, index) => from + index);
  const visit: Visit = { scenario, engine, profile, seeds: all };
  let seen: Sighting;
  try {
    seen = await watch(await bundle(specimen), visit);
  } catch (error) {
    return { specimen, problem: String(error), elapsedMs: elapsed() };
  }
  const elapsedMs = elapsed();
  if (seen.kind === "quiet") {
    const problem = `not found: ${seen.tried} seeds of ${scenario} on ${engine} were quiet`;
    return { specimen, problem, elapsedMs };
  }
  const { claim, message, seed, tried } = seen;
  if (ACCIDENTS.includes(claim))
    return { specimen, problem: `it fell over: ${message}`, elapsedMs };
  const without = await watch(sound, { ...visit, seeds: [seed] });
  if (without.kind === "found") {
    const problem = `found without the bug as well, under seed ${seed}: ${without.message}`;
    return { specimen, problem, elapsedMs };
  }
  return { specimen, found: { claim, message, seed, seeds: tried }, elapsedMs };
}

/** The middle one; of two the lower. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)] ?? 0;
}
