import { createLocks, type Locks } from "@quorate/lock";
import type { SimProcess, World } from "@quorate/simulator";

import { Believers } from "../../simulate/believers.ts";
import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

/** Workers that hold until they lose it, or for `longestMs`. */
function contend(
  sim: World,
  longestMs: number,
  count: number,
  locksOf: (process: SimProcess) => Locks,
): void {
  const believers = new Believers(sim, "the lock", 1);
  sim.process("worker", {
    count,
    main: async (process) => {
      const locks = locksOf(process);
      await forEver(process, 20, async () => {
        const belief = believers.ask(process);
        const holding = locks.run("it", async (held) => {
          belief.begin(held);
          process.mark("held");
          await process.sleep(process.runtime.random.next() * longestMs);
        });
        await holding.finally(belief.over);
      });
    },
  });
}

/** Three workers that hold beyond the end, on clocks that run at different rates. */
export const drift: Enclosure = {
  name: "drift",
  claim: "clocks half a percent apart make no two believers",
  durationMs: 120_000,
  atLeast: { held: 3 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const defaults = { ttlMs: 4_000, waitMs: 20_000, renew: false };
    contend(sim, 8_000, 3, (process) => createLocks(store.backend(process), defaults));
  },
};

/** Three workers on a store whose wall clock is set, back too. */
export const setBack: Enclosure = {
  name: "set-back",
  claim: "tokens grow while the store's clock is set back",
  durationMs: 20_000,
  atLeast: { held: 20 },
  world(sim, engine) {
    const store = sim.store("store", { engine, clockFaults: true });
    const defaults = { ttlMs: 3_000, waitMs: 10_000 };
    contend(sim, 50, 3, (process) => createLocks(store.backend(process), defaults));
  },
};
