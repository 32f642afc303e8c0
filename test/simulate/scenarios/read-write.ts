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

/** A writer weighs all there is; part of the lock's protocol. */
const CAPACITY = 1_000_000;

/** Six workers that mostly read. */
export const readWrite: Scenario = {
  name: "read-write",
  claim: "a writer is alone, readers are not; neither starves",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { held: 5 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const believers = new Believers(sim, "the read-write lock", CAPACITY);
    sim.process("worker", {
      count: 6,
      main: async (process) => {
        const locks = createLocks(store.backend(process), { ttlMs: TTL_MS, waitMs: WAIT_MS });
        const shared = locks.readWrite("catalogue");
        await workers.forEver(process, async () => {
          const belief = believers.ask(process);
          const side = process.runtime.random.next() < 0.3 ? "write" : "read";
          await shared[side]
            .run(async (held) => {
              process.mark(side);
              await hold(process, held, belief);
            })
            .finally(belief.over);
        });
      },
    });
  },
};
