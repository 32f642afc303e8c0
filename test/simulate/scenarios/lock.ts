import { claimsOf } from "../claimants.ts";
import type { Scenario } from "../scenario.ts";

/** Five workers and one lock. */
export const lock: Scenario = claimsOf({
  name: "lock",
  claim: "no two believe that they hold one lock, its tokens grow, and it is granted in the end",
  what: "the lock",
  capacity: 1,
  count: 5,
  claimOf: (locks) => (_process, use) => locks.run("job", use),
});
