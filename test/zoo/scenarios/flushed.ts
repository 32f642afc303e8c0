import { createLocks } from "@quorate/lock";

import type { Enclosure } from "../enclosure.ts";
import { attempt } from "./persist.ts";

const TTL_MS = 3_000;
const FLUSHED_MS = 2_000;

/** A store forgets everything under a holder that goes on renewing. */
export const flushed: Enclosure = {
  name: "flushed",
  claim: "a holder hears within a TTL that the store has forgotten it",
  durationMs: 20_000,
  atLeast: { held: 1 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    let told = false;
    sim.process("holder", {
      main: async (process) => {
        const locks = createLocks(store.backend(process), { ttlMs: TTL_MS });
        await attempt(() =>
          locks.run("it", async ({ signal }) => {
            process.mark("held");
            signal.addEventListener("abort", () => (told = true));
            await process.sleep(15_000);
          }),
        );
      },
    });
    sim.at(FLUSHED_MS, () => store.flush());
    sim.at(FLUSHED_MS + TTL_MS, () => {
      if (!told) sim.fail("a loss is told", `not told ${TTL_MS} ms after the flush`);
    });
  },
};
