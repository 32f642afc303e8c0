import { createGuard, createLocks } from "@quorate/lock";

import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

const TTL_MS = 800;

/** Three workers that think for longer than leases last, and are stopped before they write. */
export const slowWriters: Enclosure = {
  name: "slow-writers",
  claim: "what a holder has read does not change before it writes, unless its write is refused",
  durationMs: 60_000,
  atLeast: { wrote: 1 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const numbers = new Set<number>();
    sim.process("worker", {
      count: 3,
      main: async (process) => {
        const backend = store.backend(process);
        const locks = createLocks(backend, { ttlMs: TTL_MS, waitMs: 20_000 });
        const guarded = createGuard(backend.kv);
        await forEver(process, 50, () =>
          locks.run("it", async (held) => {
            const text = await guarded.open(held, "it");
            const next = Number(Buffer.from((await text.read()) ?? "0").toString()) + 1;
            await process.sleep(process.runtime.random.next() * 2 * TTL_MS);
            await text.write(String(next));
            process.mark("wrote");
            if (numbers.has(next)) {
              sim.fail("what was read does not change", `${next} was acknowledged twice`);
            }
            numbers.add(next);
          }),
        );
      },
    });
  },
};
