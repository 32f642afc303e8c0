import type { Backend } from "@quorate/core";
import { createLocks } from "@quorate/lock";

import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

const TTL_MS = 500;

/** An engine of a third party: it answers late now and then, and does not look whether it does. */
export const slowEngine: Enclosure = {
  name: "slow-engine",
  claim: "no lock is handed out that is over",
  durationMs: 20_000,
  atLeast: { held: 5 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    sim.process("worker", {
      count: 2,
      main: async (process) => {
        const { leases, ...rest } = store.backend(process);
        const acquire: typeof leases.acquire = async (name, request) => {
          const answer = await leases.acquire(name, request);
          await process.sleep(process.runtime.random.next() * 2 * TTL_MS);
          return answer;
        };
        const slow = new Proxy(leases, {
          get(target, key) {
            if (key === "acquire") return acquire;
            const value: unknown = Reflect.get(target, key);
            return typeof value === "function" ? (value.bind(target) as unknown) : value;
          },
        });
        const backend: Backend = { ...rest, leases: slow };
        const locks = createLocks(backend, { ttlMs: TTL_MS, waitMs: 5_000 });
        await forEver(process, 50, async () => {
          const held = await locks.acquire("it");
          process.mark("held");
          const fresh = held.remainingMs > 0;
          if (!fresh) sim.fail("what is handed out is not over", `${process.name} got an old one`);
          await held.release();
        });
      },
    });
  },
};
