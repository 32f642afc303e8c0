import { isQuorateError } from "@quorate/core";
import { createLocks } from "@quorate/lock";

import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

const WAIT_MS = 3_000;
/** One exchange more with a store that does not answer, and a try at leaving the line. */
const LATEST_MS = WAIT_MS + 5_000;

/** Three workers wait for what they do not get, while their wall clocks are set. */
export const patience: Enclosure = {
  name: "patience",
  claim: "a wait ends in its time, wherever the wall clock is set to",
  durationMs: 60_000,
  atLeast: { "gave up": 3 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    sim.process("holder", {
      faults: false,
      main: async (process) => {
        const locks = createLocks(store.backend(process), { ttlMs: 600_000, renew: false });
        await locks.acquire("it");
      },
    });
    const waiting = new Map<string, number>();
    sim.always("a wait ends in its time", () => {
      for (const [name, askedMs] of waiting) {
        if (sim.node(name).state !== "running") waiting.delete(name);
        else if (sim.nowMs - askedMs > LATEST_MS) return `${name} waits since ${askedMs} ms`;
      }
      return true;
    });
    sim.process("worker", {
      count: 3,
      main: async (process) => {
        const locks = createLocks(store.backend(process, { requestTimeoutMs: 500 }), {
          ttlMs: 3_000,
          waitMs: WAIT_MS,
        });
        await process.sleep(500);
        await forEver(process, 50, async () => {
          const askedMs = sim.nowMs;
          waiting.set(process.name, askedMs);
          try {
            await locks.run("it", () => {});
          } catch (error) {
            if (!isQuorateError(error)) throw error;
            process.mark("gave up");
            const tookMs = sim.nowMs - askedMs;
            if (error.code === "LOCK_TIMEOUT" && tookMs < WAIT_MS * 0.9) {
              sim.fail("a wait ends in its time", `it was over after ${tookMs} ms`);
            }
          } finally {
            waiting.delete(process.name);
          }
        });
      },
    });
  },
};
