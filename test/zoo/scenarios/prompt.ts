import { createLocks } from "@quorate/lock";

import type { Enclosure } from "../enclosure.ts";
import { attempt, forEver } from "./persist.ts";

/** Longer than the run: what is not given back is gone. */
const TTL_MS = 600_000;
/** The worst of the network lasts five seconds; then somebody must get it. */
const IDLE_MS = 40_000;

/** Four workers with leases that outlast the run: whatever is lost must be given back by hand. */
export const prompt: Enclosure = {
  name: "prompt",
  claim: "what nobody holds is free soon, whatever answers were lost",
  durationMs: 120_000,
  atLeast: { held: 3 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    let inside = 0;
    let idleSinceMs = 0;
    sim.always("what nobody holds is free soon", () => {
      const idleMs = inside > 0 ? 0 : sim.nowMs - idleSinceMs;
      return idleMs <= IDLE_MS || `nobody has got it for ${idleMs} ms`;
    });
    sim.process("worker", {
      count: 4,
      main: async (process) => {
        const locks = createLocks(store.backend(process), { ttlMs: TTL_MS, waitMs: 5_000 });
        await forEver(process, 100, async () => {
          await attempt(() =>
            locks.run("it", async () => {
              inside += 1;
              process.mark("held");
              await process.sleep(process.runtime.random.next() * 100);
              inside -= 1;
              idleSinceMs = sim.nowMs;
            }),
          );
        });
      },
    });
  },
};
