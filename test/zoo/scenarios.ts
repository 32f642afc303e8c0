/**
 * The worlds in which bugs are looked for: those of test/simulate, and some for what they do not
 * look at.
 */
import { bully } from "../simulate/scenarios/bully.ts";
import { election } from "../simulate/scenarios/election.ts";
import { cron } from "../simulate/scenarios/cron.ts";
import { guard } from "../simulate/scenarios/guard.ts";
import { idempotency } from "../simulate/scenarios/idempotency.ts";
import { lock } from "../simulate/scenarios/lock.ts";
import { ringElection } from "../simulate/scenarios/ring-election.ts";
import { outbox } from "../simulate/scenarios/outbox.ts";
import { sagaScenario } from "../simulate/scenarios/saga.ts";
import { semaphore } from "../simulate/scenarios/semaphore.ts";
import { sharedBreaker } from "../simulate/scenarios/shared-breaker.ts";
import { sharedRate } from "../simulate/scenarios/shared-rate.ts";
import { tcc } from "../simulate/scenarios/tcc.ts";
import { twoPhase } from "../simulate/scenarios/two-phase.ts";
import type { Enclosure } from "./enclosure.ts";
import { counter } from "./scenarios/counter.ts";
import { deadWaiter } from "./scenarios/dead-waiter.ts";
import { flushed } from "./scenarios/flushed.ts";
import { leaseWatch } from "./scenarios/lease-watch.ts";
import { line, readWriteLine } from "./scenarios/line.ts";
import { drift, setBack } from "./scenarios/locks.ts";
import { oneOwner } from "./scenarios/one-owner.ts";
import { orderly } from "./scenarios/orderly.ts";
import { patience } from "./scenarios/patience.ts";
import { prompt } from "./scenarios/prompt.ts";
import { rewrites } from "./scenarios/rewrites.ts";
import { runs, slowAnswers } from "./scenarios/runs.ts";
import { slowEngine } from "./scenarios/slow-engine.ts";
import { slowWriters } from "./scenarios/slow-writers.ts";
import { undisturbed } from "./scenarios/undisturbed.ts";
import { watch } from "./scenarios/watch.ts";

/** By name. */
export const SCENARIOS = {
  lock,
  semaphore,
  guard,
  bully,
  counter,
  cron,
  "dead-waiter": deadWaiter,
  drift,
  election,
  flushed,
  idempotency,
  "lease-watch": leaseWatch,
  line,
  "one-owner": oneOwner,
  // Its mistakes show early, and every run has a minute to catch up besides.
  outbox: { ...outbox, durationMs: 20_000 },
  orderly,
  patience,
  prompt,
  "read-write-line": readWriteLine,
  rewrites,
  "ring-election": ringElection,
  runs,
  saga: sagaScenario,
  "set-back": setBack,
  "shared-breaker": sharedBreaker,
  "shared-rate": sharedRate,
  "slow-answers": slowAnswers,
  "slow-engine": slowEngine,
  "slow-writers": slowWriters,
  tcc,
  "two-phase": twoPhase,
  undisturbed,
  watch,
} satisfies Readonly<Record<string, Enclosure>>;

/** Names of scenarios. */
export type ScenarioName = keyof typeof SCENARIOS;
