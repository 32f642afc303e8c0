/**
 * Scenarios of claims: workers that take something, hold it for a while, and give it back.
 */
import { createLocks, type Lock, type Locks } from "@quorate/lock";
import type { SimProcess } from "@quorate/simulator";

import { Believers } from "./believers.ts";
import { DURATION_MS, hold, KEEPING, type Scenario, TTL_MS, WAIT_MS, Workers } from "./scenario.ts";

/** Claims once, and holds what was granted by `use`. */
export type ClaimOnce = (
  process: SimProcess,
  use: (held: Lock) => Promise<void>,
) => Promise<unknown>;

/** What is claimed, by how many. */
export interface Claimants {
  readonly name: string;
  readonly claim: string;
  /** What a violation calls it: "the lock". */
  readonly what: string;
  /** Most weight that may be believed to be held. */
  readonly capacity: number;
  readonly count: number;
  /** How one process claims. */
  claimOf(locks: Locks): ClaimOnce;
}

/** The scenario of `claimants`. */
export function claimsOf(claimants: Claimants): Scenario {
  const { name, claim, what, capacity, count, claimOf } = claimants;
  return {
    name,
    claim,
    durationMs: DURATION_MS,
    engines: ["memory", "redis", "nats"],
    profiles: KEEPING,
    atLeast: { held: 5 },
    world(sim, engine) {
      const workers = new Workers(sim);
      const store = sim.store("store", { engine });
      const believers = new Believers(sim, what, capacity);
      sim.process("worker", {
        count,
        main: async (process) => {
          const options = { ttlMs: TTL_MS, waitMs: WAIT_MS };
          const claimOnce = claimOf(createLocks(store.backend(process), options));
          await workers.forEver(process, async () => {
            const belief = believers.ask(process);
            const use = (held: Lock): Promise<void> => hold(process, held, belief);
            await claimOnce(process, use).finally(belief.over);
          });
        },
      });
    },
  };
}
