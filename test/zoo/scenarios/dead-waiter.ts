import { createLocks } from "@quorate/lock";

import type { Enclosure } from "../enclosure.ts";
import { attempt } from "./persist.ts";

const WAITERS = 10;
const RELEASED_MS = 1_000;
/** The claim window is half a second; on a kv the next one has to notice it by watching. */
const LATEST_MS = RELEASED_MS + 3_000;

/** Ten waiters of a process that dies in line, one of another behind them. */
export const deadWaiter: Enclosure = {
  name: "dead-waiter",
  claim: "a process that dies in line costs one window, not a TTL, and not one for each waiter",
  durationMs: 10_000,
  atLeast: { got: 1 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const options = { ttlMs: 20_000, waitMs: 30_000 };
    let gotMs = Infinity;
    sim.process("holder", {
      main: async (process) => {
        const held = await createLocks(store.backend(process), options).acquire("it");
        await process.sleep(RELEASED_MS);
        await held.release();
      },
    });
    sim.process("mortal", {
      main: async (process) => {
        if (process.incarnation > 1) return;
        const locks = createLocks(store.backend(process), options);
        await process.sleep(200);
        const waits = Array.from({ length: WAITERS }, () => attempt(() => locks.acquire("it")));
        await Promise.all(waits);
      },
    });
    sim.process("patient", {
      main: async (process) => {
        const locks = createLocks(store.backend(process), options);
        await process.sleep(500);
        await locks.acquire("it");
        process.mark("got");
        gotMs = sim.nowMs;
      },
    });
    // Without a word, as when a machine loses power.
    sim.at(800, () => sim.node("mortal").kill("vanishes"));
    sim.at(LATEST_MS, () => {
      if (gotMs === Infinity) sim.fail("the dead cost one window", `nothing by ${LATEST_MS} ms`);
    });
  },
};
