import { createElection } from "@quorate/election";

import { TTL_MS } from "../../simulate/scenario.ts";
import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

const ENDS_WITHIN_MS = 300;

/** Three candidates, each of which leads for a while and then resigns in good order. */
export const orderly: Enclosure = {
  name: "orderly",
  claim: "where nothing fails, one work begins only when the last one has ended",
  durationMs: 30_000,
  atLeast: { led: 5 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const working = new Set<string>();
    sim.process("candidate", {
      count: 3,
      faults: false,
      main: async (process) => {
        const election = createElection(store.backend(process), "job", {
          candidate: process.name,
          ttlMs: TTL_MS,
        });
        await forEver(process, 1_000, async () => {
          const leading = election.lead(async ({ signal }) => {
            if (working.size > 0) {
              sim.fail("works never overlap", `${process.name} begins beside ${[...working]}`);
            }
            working.add(process.name);
            process.mark("led");
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            await process.sleep(ENDS_WITHIN_MS); // What was begun is finished.
            working.delete(process.name);
          });
          await process.sleep(1_000 + process.runtime.random.next() * 2_000);
          await election.resign();
          await leading;
        });
      },
    });
  },
};
