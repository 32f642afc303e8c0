/**
 * The worlds in which bugs are looked for: those of test/simulate, and some for what they do not
 * look at.
 */
import { balancing } from "../simulate/scenarios/balance.ts";
import { bully } from "../simulate/scenarios/bully.ts";
import { election } from "../simulate/scenarios/election.ts";
import { cron } from "../simulate/scenarios/cron.ts";
import { gossip } from "../simulate/scenarios/gossip.ts";
import { guard } from "../simulate/scenarios/guard.ts";
import { heartbeats } from "../simulate/scenarios/heartbeats.ts";
import { idempotency } from "../simulate/scenarios/idempotency.ts";
import { lock } from "../simulate/scenarios/lock.ts";
import { registry } from "../simulate/scenarios/registry.ts";
import { ringElection } from "../simulate/scenarios/ring-election.ts";
import { outbox } from "../simulate/scenarios/outbox.ts";
import { rpc } from "../simulate/scenarios/rpc.ts";
import { rpcStreams } from "../simulate/scenarios/rpc-streams.ts";
import { sagaScenario } from "../simulate/scenarios/saga.ts";
import { semaphore } from "../simulate/scenarios/semaphore.ts";
import { sharedBreaker } from "../simulate/scenarios/shared-breaker.ts";
import { sharedRate } from "../simulate/scenarios/shared-rate.ts";
import { swim } from "../simulate/scenarios/swim.ts";
import { tcc } from "../simulate/scenarios/tcc.ts";
import { twoPhase } from "../simulate/scenarios/two-phase.ts";
import type { Enclosure } from "./enclosure.ts";
import { counter } from "./scenarios/counter.ts";
import { deadWaiter } from "./scenarios/dead-waiter.ts";
import { flushed } from "./scenarios/flushed.ts";
import { leaseWatch } from "./scenarios/lease-watch.ts";
import { line, readWriteLine } from "./scenarios/line.ts";
import { drift, setBack } from "./scenarios/locks.ts";
import { halvedSwim, lossySwim } from "./scenarios/lossy-swim.ts";
import { oneOwner } from "./scenarios/one-owner.ts";
import { orderly } from "./scenarios/orderly.ts";
import { patience } from "./scenarios/patience.ts";
import { prompt } from "./scenarios/prompt.ts";
import { rewrites } from "./scenarios/rewrites.ts";
import { runs, slowAnswers } from "./scenarios/runs.ts";
import { slowEngine } from "./scenarios/slow-engine.ts";
import { slowWriters } from "./scenarios/slow-writers.ts";
import { split } from "./scenarios/split.ts";
import { undisturbed } from "./scenarios/undisturbed.ts";
import { watch } from "./scenarios/watch.ts";

/** By name. */
export const SCENARIOS = {
  lock,
  semaphore,
  guard,
  balance: balancing,
  bully,
  counter,
  cron,
  "dead-waiter": deadWaiter,
  drift,
  election,
  flushed,
  gossip: { ...gossip, durationMs: 20_000 },
  heartbeats,
  "halved-swim": halvedSwim,
  idempotency,
  "lease-watch": leaseWatch,
  line,
  "lossy-swim": lossySwim,
  "one-owner": oneOwner,
  // Its mistakes show early, and every run has a minute to catch up besides.
  outbox: { ...outbox, durationMs: 20_000 },
  orderly,
  patience,
  prompt,
  "read-write-line": readWriteLine,
  registry,
  rewrites,
  rpc: { ...rpc, durationMs: 20_000 },
  "rpc-streams": { ...rpcStreams, durationMs: 20_000 },
  "ring-election": ringElection,
  runs,
  saga: sagaScenario,
  "set-back": setBack,
  "shared-breaker": sharedBreaker,
  "shared-rate": sharedRate,
  "slow-answers": slowAnswers,
  "slow-engine": slowEngine,
  "slow-writers": slowWriters,
  // Its mistakes show in the end; what comes before may be short.
  swim: { ...swim, durationMs: 20_000 },
  tcc,
  "two-phase": twoPhase,
  split,
  undisturbed,
  watch,
} satisfies Readonly<Record<string, Enclosure>>;

/** Names of scenarios. */
export type ScenarioName = keyof typeof SCENARIOS;
