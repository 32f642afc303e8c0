/**
 * All scenarios, by name.
 */
import type { Scenario } from "./scenario.ts";
import { balancing } from "./scenarios/balance.ts";
import { bully } from "./scenarios/bully.ts";
import { bus } from "./scenarios/bus.ts";
import { cron } from "./scenarios/cron.ts";
import { election } from "./scenarios/election.ts";
import { gossip } from "./scenarios/gossip.ts";
import { guard } from "./scenarios/guard.ts";
import { guardFailover } from "./scenarios/guard-failover.ts";
import { heartbeats } from "./scenarios/heartbeats.ts";
import { idempotency } from "./scenarios/idempotency.ts";
import { kv } from "./scenarios/kv.ts";
import { lock } from "./scenarios/lock.ts";
import { outbox } from "./scenarios/outbox.ts";
import { readWrite } from "./scenarios/read-write.ts";
import { registry } from "./scenarios/registry.ts";
import { ringElection } from "./scenarios/ring-election.ts";
import { rpc } from "./scenarios/rpc.ts";
import { rpcStreams } from "./scenarios/rpc-streams.ts";
import { sagaScenario } from "./scenarios/saga.ts";
import { semaphore } from "./scenarios/semaphore.ts";
import { sharedBreaker } from "./scenarios/shared-breaker.ts";
import { sharedRate } from "./scenarios/shared-rate.ts";
import { swim } from "./scenarios/swim.ts";
import { tcc } from "./scenarios/tcc.ts";
import { twoPhase } from "./scenarios/two-phase.ts";
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
  bully,
  ringElection,
  outbox,
  heartbeats,
  gossip,
  sharedBreaker,
  sharedRate,
  cron,
  election,
  twoPhase,
  tcc,
  sagaScenario,
  balancing,
  registry,
  swim,
  rpc,
  rpcStreams,
];
