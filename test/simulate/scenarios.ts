/**
 * All scenarios, by name.
 */
import type { Scenario } from "./scenario.ts";
import { bus } from "./scenarios/bus.ts";
import { guard } from "./scenarios/guard.ts";
import { guardFailover } from "./scenarios/guard-failover.ts";
import { idempotency } from "./scenarios/idempotency.ts";
import { kv } from "./scenarios/kv.ts";
import { lock } from "./scenarios/lock.ts";
import { readWrite } from "./scenarios/read-write.ts";
import { semaphore } from "./scenarios/semaphore.ts";
import { sharedBreaker } from "./scenarios/shared-breaker.ts";
import { sharedRate } from "./scenarios/shared-rate.ts";
import { watch } from "./scenarios/watch.ts";

/** Every scenario. A new primitive adds its own here. */
export const SCENARIOS: readonly Scenario[] = [
  lock,
  semaphore,
  readWrite,
  guard,
  guardFailover,
  idempotency,
  kv,
  watch,
  bus,
  sharedBreaker,
  sharedRate,
];
