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

/** Five workers and one lock. */
export const lock: Scenario = {
  name: "lock",
  claim: "no two believe that they hold one lock, its tokens grow, and it is granted in the end",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { held: 5 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const believers = new Believers(sim, "the lock", 1);
    sim.process("worker", {
      count: 5,
      main: async (process) => {
        const locks = createLocks(store.backend(process), { ttlMs: TTL_MS, waitMs: WAIT_MS });
        await workers.forEver(process, async () => {
          const belief = believers.ask(process);
          await locks.run("job", (held) => hold(process, held, belief)).finally(belief.over);
        });
      },
    });
  },
};
