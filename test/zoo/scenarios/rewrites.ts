import { createGuard, createLocks } from "@quorate/lock";

import type { Enclosure } from "../enclosure.ts";
import { attempt, forEver } from "./persist.ts";
import { stragglingBackend } from "./straggling.ts";

/** A holder that writes many times under one token; nobody else is there. */
export const rewrites: Enclosure = {
  name: "rewrites",
  claim: "of one holder's writes, none lands after a later one that was acknowledged",
  durationMs: 60_000,
  // The worst worlds let nothing through.
  atLeast: {},
  world(sim, engine) {
    const store = sim.store("store", { engine });
    sim.process("worker", {
      main: async (process) => {
        const straggles = engine === "memory";
        const backend = straggles
          ? stragglingBackend(sim, store, process, 500)
          : store.backend(process, { requestTimeoutMs: 500 });
        const locks = createLocks(backend, { ttlMs: 20_000, waitMs: 30_000 });
        const guarded = createGuard(backend.kv);
        await forEver(process, 50, () =>
          locks.run("it", async (held) => {
            const text = await guarded.open(held, "it");
            for (let number = 1; number <= 30; number++) {
              if (!(await attempt(() => text.write(`${held.fencingToken} ${number}`)))) continue;
              process.mark("wrote");
              await process.sleep(process.runtime.random.next() * 1_000);
              const read = Buffer.from((await text.read()) ?? "").toString();
              if (read === `${held.fencingToken} ${number}`) continue;
              sim.fail("the last write stays", `wrote ${number}, read "${read}"`);
            }
          }),
        );
      },
    });
  },
};
