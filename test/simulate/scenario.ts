/**
 * A scenario: a world for one primitive, and what must hold in it.
 *
 * Workers use the primitive as a service would, for ever, on a store of some engine; whatever a
 * profile throws at them, the claims hold. Production code runs unmodified.
 */
import { isQuorateError, type Ms } from "@quorate/core";
import type { Lock } from "@quorate/lock";
import type { EngineName, ProfileName, SimProcess, World } from "@quorate/simulator";

import type { Belief } from "./believers.ts";

/** A world to be simulated. */
export interface Scenario {
  readonly name: string;
  /** What is claimed, in a sentence. */
  readonly claim: string;
  /** Virtual time of one run. */
  readonly durationMs: number;
  /** Engines whose promises suffice for the claim. */
  readonly engines: readonly EngineName[];
  /** Profiles under which the claim is made, the usual one first. */
  readonly profiles: readonly ProfileName[];
  /** Work that every run must have done, however hard its world was. */
  readonly atLeast: Readonly<Record<string, number>>;
  world(sim: World, engine: EngineName): void;
}

/** Where acknowledged writes last: all profiles but the one that loses them. */
export const KEEPING: readonly ProfileName[] = ["harsh", "lossy", "calm"];

/** Leases of every scenario, long enough for a renewal to fail and be tried again. */
export const TTL_MS = 3_000;

/** Longest wait in line. */
export const WAIT_MS = 10_000;

/** Rest between two tries, so that a broken store is not asked a thousand times a second. */
const REST_MS = 100;

/** Virtual time of every scenario's safety phase. */
export const DURATION_MS = 60_000;

/** Time after healing in which every process must get something done. */
const RECOVERY_MS = 30_000;

/** Workers that never end, and the claim that all of them go on after healing. */
export class Workers {
  readonly #sim: World;
  readonly #doneLastMs = new Map<string, number>();
  /** Known from the first time that the claim is asked. */
  #healedMs: number | undefined;

  /** `withinMs`: what breakers that opened again and again may keep their callers waiting. */
  constructor(sim: World, withinMs: Ms = RECOVERY_MS) {
    this.#sim = sim;
    sim.eventually("every worker gets something done", { withinMs }, () => {
      const healedMs = (this.#healedMs ??= sim.nowMs);
      const idle = [...this.#doneLastMs].filter(([, atMs]) => atMs <= healedMs);
      return idle.length === 0 || `nothing from ${idle.map(([name]) => name).join(", ")}`;
    });
  }

  /** It got something done, in the middle of what it does. */
  did({ name }: SimProcess): void {
    this.#doneLastMs.set(name, this.#sim.nowMs);
  }

  /** Does `once` over and over. A `QuorateError` is part of the work, anything else a defect. */
  async forEver(process: SimProcess, once: () => Promise<void>): Promise<void> {
    if (process.incarnation === 1) this.#doneLastMs.set(process.name, 0);
    for (;;) {
      try {
        await once();
        this.did(process);
      } catch (error) {
        if (!isQuorateError(error)) throw error;
        process.mark(`told ${error.code}`);
        await process.sleep(REST_MS);
      }
      await process.sleep(process.runtime.random.next() * REST_MS);
    }
  }
}

/** Holds for a while, and looks before the end whether it still does. */
export async function hold(process: SimProcess, held: Lock, belief: Belief): Promise<void> {
  belief.begin(held);
  process.mark("held");
  await process.sleep(process.runtime.random.next() * 500);
  held.check();
}
