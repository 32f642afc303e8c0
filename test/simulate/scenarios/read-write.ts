import { claimsOf } from "../claimants.ts";
import type { Scenario } from "../scenario.ts";

/** A writer weighs all there is; part of the lock's protocol. */
const CAPACITY = 1_000_000;

/** Six workers that mostly read. */
export const readWrite: Scenario = claimsOf({
  name: "read-write",
  claim: "a writer is alone, readers are not; neither starves",
  what: "the read-write lock",
  capacity: CAPACITY,
  count: 6,
  claimOf(locks) {
    const shared = locks.readWrite("catalogue");
    return (process, use) => {
      const side = process.runtime.random.next() < 0.3 ? "write" : "read";
      return shared[side].run((held) => {
        process.mark(side);
        return use(held);
      });
    };
  },
});
