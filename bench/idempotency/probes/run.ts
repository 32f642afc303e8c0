/** Runs all probes on a library. */
import type { Contender } from "../contenders/contender.ts";
import { ENDING_PROBES } from "./endings.ts";
import { type Finding, type Probe, Stage } from "./probe.ts";
import { REQUEST_PROBES } from "./requests.ts";

/** Every probe, in the order of the table. */
export const PROBES: readonly Probe[] = [...REQUEST_PROBES, ...ENDING_PROBES];

/** What one probe found. */
export interface Found {
  readonly probe: Probe;
  readonly finding: Finding;
}

/** All findings on `contender`, on the Redis at `url`, one probe after another. */
export async function runProbes(contender: Contender, url: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const probe of PROBES) {
    found.push({ probe, finding: await quietly(() => runProbe(probe, contender, url)) });
  }
  return found;
}

/** What `probe` finds on `contender`. */
export async function runProbe(probe: Probe, contender: Contender, url: string): Promise<Finding> {
  const why = probe.exempt?.(contender);
  if (why !== undefined) return { kind: "n/a", saw: why };
  const stage = new Stage(contender, url);
  try {
    return await probe.run(stage);
  } finally {
    await stage.clear();
  }
}

/** Some libraries write to the console what they think of being probed. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { log, warn } = console;
  console.log = console.warn = () => {};
  try {
    return await work();
  } finally {
    Object.assign(console, { log, warn });
  }
}
