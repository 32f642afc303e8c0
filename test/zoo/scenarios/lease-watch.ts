import { createLocks } from "@quorate/lock";

import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

const TTL_MS = 2_000;

/** A holder that dies, and somebody who watches. */
export const leaseWatch: Enclosure = {
  name: "lease-watch",
  claim: "a watcher of leases hears of a holder's death",
  durationMs: 10_000,
  atLeast: { granted: 1 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const held = new Set<number>();
    sim.process("watcher", {
      main: async (process) => {
        const { leases } = store.backend(process);
        await forEver(process, 100, async () => {
          for await (const event of leases.watch("lock/it")) {
            if (event.kind === "granted") held.add(event.holder.fencingToken);
            if (event.kind === "ended") held.delete(event.fencingToken);
            if (event.kind === "granted") process.mark("granted");
          }
        });
      },
    });
    sim.process("mortal", {
      main: async (process) => {
        if (process.incarnation > 1) return;
        const locks = createLocks(store.backend(process), { ttlMs: TTL_MS });
        await process.sleep(200);
        await locks.acquire("it");
      },
    });
    sim.at(1_000, () => sim.node("mortal").kill("vanishes"));
    sim.at(1_000 + 3 * TTL_MS, () => {
      if (held.size > 0) sim.fail("an end is told", `not told of ${[...held].join(", ")}`);
    });
  },
};
