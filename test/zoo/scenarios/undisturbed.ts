import { createIdempotency } from "@quorate/idempotency";

import { TTL_MS } from "../../simulate/scenario.ts";
import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

/** Keys are in use for this long; the work of each takes longer than a lease. */
const FASHION_MS = 12_000;
const WORK_MS = 2.5 * TTL_MS;
const AHEAD_MS = 60_000;

/** Three workers whom nothing disturbs, but for one of their wall clocks, which is ahead. */
export const undisturbed: Enclosure = {
  name: "undisturbed",
  claim: "a run that renews its lease in time is never taken over, whatever wall clocks say",
  durationMs: 60_000,
  atLeast: { ran: 3, told: 10 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    sim.at(1, () =>
      sim.inject({ kind: "clock-jump", target: "worker-2", values: { jumpMs: AHEAD_MS } }),
    );
    sim.process("worker", {
      count: 3,
      main: async (process) => {
        const idempotency = createIdempotency(store.backend(process), { leaseMs: TTL_MS });
        await process.sleep(100);
        await forEver(process, 1_000, async () => {
          const key = `job-${Math.floor(sim.nowMs / FASHION_MS)}`;
          await idempotency.run(key, async ({ attempt }) => {
            if (attempt > 1) sim.fail("a run that renews is left alone", `${key} was taken over`);
            process.mark("ran");
            await process.sleep(WORK_MS);
          });
          process.mark("told");
        });
      },
    });
  },
};
