import { claimsOf } from "../claimants.ts";
import type { Scenario } from "../scenario.ts";

const PERMITS = 3;

/** Six workers, three permits, claims of one or two. */
export const semaphore: Scenario = claimsOf({
  name: "semaphore",
  claim: "no more permits are believed to be held than there are, and they come back from the dead",
  what: "the permits",
  capacity: PERMITS,
  count: 6,
  claimOf(locks) {
    const permits = locks.semaphore("jobs", { permits: PERMITS });
    return ({ runtime }, use) => permits.run(use, { weight: runtime.random.next() < 0.3 ? 2 : 1 });
  },
});
