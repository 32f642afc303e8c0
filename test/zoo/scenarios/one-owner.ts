import { type Grant, leaseLeftMs, type LeaseStore } from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";

import { Believers } from "../../simulate/believers.ts";
import type { Enclosure } from "../enclosure.ts";
import { attempt, forEver, insist } from "./persist.ts";

const TTL_MS = 1_500;

/**
 * Three processes on leases without the lock's help, each with one owner id for ever: what a late
 * message of an earlier hold says must not touch a later one.
 */
export const oneOwner: Enclosure = {
  name: "one-owner",
  claim: "late claims, renewals and releases of a hold do nothing to the owner's next one",
  durationMs: 30_000,
  atLeast: { held: 1 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const believers = new Believers(sim, "the lease", 1);
    sim.process("worker", {
      count: 3,
      main: async (process) => {
        const { leases } = store.backend(process);
        const { time } = process.runtime;
        const owner = `owner-${process.index}`;
        let last: Grant | undefined;
        await forEver(process, 400, async () => {
          const belief = believers.ask(process);
          const grant = await leases.acquire("it", { owner, ttlMs: TTL_MS, waitMs: 2_000 });
          if (!grant.granted) return;
          if (leaseLeftMs(time, grant) <= 0) {
            sim.fail("what is granted is not over", `${process.name} was handed an old lease`);
          }
          process.mark("held");
          const held = {
            fencingToken: grant.fencingToken,
            weight: 1,
            get remainingMs() {
              return leaseLeftMs(time, grant);
            },
          };
          belief.begin(held);
          if (last !== undefined) await repeat(sim, process, leases, last);
          last = grant;
          await process.sleep(process.runtime.random.next() * 300);
          // Its answer is not waited for: it may still be on its way when the lease is given back.
          const renewal = attempt(() => leases.renew([grant], { timeoutMs: 300 }));
          await process.sleep(process.runtime.random.next() * 300);
          belief.over();
          await insist(process, () => leases.release(grant, { timeoutMs: 300 }));
          await renewal;
        });
      },
    });
  },
};

/** Says again what was said of an earlier hold, as a worker does that was paused meanwhile. */
async function repeat(
  sim: World,
  process: SimProcess,
  leases: LeaseStore,
  earlier: Grant,
): Promise<void> {
  const call = { timeoutMs: 300 };
  await attempt(async () => {
    if (process.runtime.random.next() < 0.5) {
      const [answer] = await leases.renew([earlier], call);
      if (answer !== "lost") sim.fail("what is over stays over", `it was ${answer} once more`);
    } else {
      const answer = await leases.release(earlier, call);
      if (answer !== "expired") sim.fail("what is over stays over", `it was ${answer} once more`);
    }
  });
}
