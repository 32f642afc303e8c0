import { createLocks } from "@quorate/lock";

import { Believers } from "../believers.ts";
import {
  DURATION_MS,
  hold,
  KEEPING,
  type Scenario,
  TTL_MS,
  WAIT_MS,
  Workers,
} from "../scenario.ts";

const PERMITS = 3;

/** Six workers, three permits, claims of one or two. */
export const semaphore: Scenario = {
  name: "semaphore",
  claim: "no more permits are believed to be held than there are, and they come back from the dead",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { held: 5 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const believers = new Believers(sim, "the permits", PERMITS);
    sim.process("worker", {
      count: 6,
      main: async (process) => {
        const locks = createLocks(store.backend(process), { ttlMs: TTL_MS, waitMs: WAIT_MS });
        const permits = locks.semaphore("jobs", { permits: PERMITS });
        await workers.forEver(process, async () => {
          const belief = believers.ask(process);
          const weight = process.runtime.random.next() < 0.3 ? 2 : 1;
          await permits.run((held) => hold(process, held, belief), { weight }).finally(belief.over);
        });
      },
    });
  },
};
