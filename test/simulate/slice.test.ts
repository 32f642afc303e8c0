/**
 * The short slice of the simulation that a test run makes: up to 500 seeds per primitive, dealt to
 * engines and profiles; a quarter of the primitives by the day (UTC), all with `QUORATE_SLICE=all`.
 * `npm run simulate` and `npm run soak` are the long ones.
 *
 * Runs are short, six virtual seconds of trouble and as many as it takes to recover, since a
 * mistake shows in the seed that meets it and not in the length. That the slice as a whole met
 * every kind of trouble, and every answer that the primitive may give, is part of the claim.
 */
import { type EngineName, failureText, type ProfileName, simulate } from "@quorate/simulator";
import { describe, expect, it } from "vitest";

import { IS_ALL, ofToday } from "../support/by-day.ts";
import { commandFor, optionsFor, type Setup } from "./cli/options-for.ts";

const SECONDS = 6;
const SHARES = 4;

/** Shares of 100 seeds. On NATS leases are made over the kv, which takes three times as long. */
const ENGINES: readonly (readonly [EngineName, number])[] = [
  ["memory", 40],
  ["redis", 40],
  ["nats", 20],
];
const PROFILES: readonly (readonly [ProfileName, number])[] = [
  ["harsh", 80],
  ["lossy", 15],
  ["calm", 5],
];
/** Of a primitive that the others rest on. The newer have as many as their mistakes take. */
const SEEDS = 500;

const FAULTS = [
  "kill",
  "pause",
  "pause-before-send",
  "suspend",
  "clock-jump",
  "clock-rate",
  "partition",
  "connection-reset",
  "half-open",
  "slow",
  "loss",
  "weather",
  "store-kill",
  "store-pause",
  "store-read-only",
  "store-leader-change",
];
const ERRORS = ["told OUTCOME_UNKNOWN", "told STORE_UNAVAILABLE", "told STORE_REFUSED"];
const LOCK_ERRORS = [...ERRORS, "told LOCK_TIMEOUT", "told LOCK_LOST", "lock.lost", "lock.waiting"];

interface Slice {
  readonly scenario: string;
  /** A multiple of 100. Every fault must be met where there are 500. @default 500 */
  readonly seeds?: number;
  /** Names of marks and events that some seed must hit. */
  readonly mustHit: readonly string[];
}

const SLICES: readonly Slice[] = [
  { scenario: "lock", mustHit: [...LOCK_ERRORS, "held"] },
  { scenario: "semaphore", mustHit: [...LOCK_ERRORS, "held"] },
  { scenario: "read-write", mustHit: [...LOCK_ERRORS, "read", "write"] },
  { scenario: "guard", mustHit: [...LOCK_ERRORS, "wrote"] },
  {
    scenario: "idempotency",
    mustHit: [
      ...ERRORS,
      "told IDEMPOTENCY_IN_FLIGHT",
      "told IDEMPOTENCY_MISMATCH",
      "told IDEMPOTENCY_SUPERSEDED",
      "replayed",
      "refused",
      "ran again",
    ],
  },
  {
    scenario: "kv",
    mustHit: [...ERRORS, "put refused", "resolved applied", "resolved none", "resolved unknown"],
  },
  {
    scenario: "bully",
    seeds: 200,
    mustHit: ["led", "split", "two hints", "lock.lost", "hint.failed"],
  },
  {
    scenario: "election",
    seeds: 200,
    mustHit: [
      ...["led", "elected", "vacant", "changed", "transferred", "elsewhere", "left-to-expire"],
      ...["lock.lost", "election.failed", "election.overdue", "transfer NO_CANDIDATE"],
    ],
  },
  {
    scenario: "heartbeats",
    seeds: 100,
    mustHit: [
      ...["joined", "left by itself", "saw joined", "saw suspected", "saw recovered", "saw down"],
      ...["saw left", "saw updated", "membership.failed", "membership.dropped"],
    ],
  },
  {
    scenario: "shared-breaker",
    mustHit: [
      "turned away",
      "fleet open",
      "fleet probing",
      "fleet ramping",
      "fleet isolated",
      "fleet unknown",
      "probe",
      "breaker.fleet-failed",
    ],
  },
  {
    scenario: "cron",
    seeds: 100,
    mustHit: [
      ...["ran", "ran again", "wrote", "triggered", "paused", "listed", "told STORE_UNAVAILABLE"],
      ...["was done", "was failed", "was missed", "was crashed", "was timed-out"],
      ...["was skipped-overlap", "was skipped-paused", "cron.failed", "lock.lost"],
    ],
  },
  {
    scenario: "saga",
    seeds: 100,
    mustHit: [
      ...[...ERRORS, "told SAGA_PENDING", "told WRONG_STATE", "transaction.takeover"],
      ...["ended", "compensated", "cancelled", "looked", "saga.verb", "transaction.trouble"],
    ],
  },
  {
    scenario: "tcc",
    seeds: 100,
    mustHit: [
      ...["moved", "aborted", "read", "told TRANSACTION_IN_DOUBT"],
      ...["answered cancel", "answered confirm", "answered pending"],
    ],
  },
  {
    scenario: "rpc-streams",
    seeds: 100,
    mustHit: ["whole", "left", "handler ended", "told OUTCOME_UNKNOWN", "told TIMEOUT"],
  },
  {
    scenario: "two-phase",
    seeds: 100,
    mustHit: [
      ...["committed", "read", "told TRANSACTION_ABORTED none", "told TRANSACTION_IN_DOUBT"],
      ...["answered committed", "answered aborted", "answered undecided", "answered nothing"],
      ...["two-phase.swept", "transaction.takeover"],
    ],
  },
  {
    scenario: "gossip",
    seeds: 100,
    mustHit: ["said", "heard", "reborn", "gossip.failed"],
  },
  {
    scenario: "swim",
    seeds: 100,
    mustHit: [
      ...["joined", "died", "suspected", "recovered", "down"],
      ...["swim.accused", "swim.paused", "swim.failed"],
    ],
  },
  {
    scenario: "rpc",
    seeds: 100,
    mustHit: [
      ...["answered", "serving", "drained", "told REFUSED none", "told TIMEOUT unknown"],
      ...["told REMOTE_FAILED unknown", "told OUTCOME_UNKNOWN unknown", "retry.retrying"],
      ...["idempotency.replayed", "rpc.called", "rpc.served", "rpc.handler-failed"],
    ],
  },
  {
    scenario: "outbox",
    seeds: 100,
    mustHit: [
      ...["stored", "handled", "gave up", "delivered again", "idempotency.replayed"],
      ...["outbox.claimed", "outbox.failed", "lock.lost"],
    ],
  },
  {
    scenario: "registry",
    seeds: 100,
    mustHit: ["registered", "drained", "left", "lost", "stale", "panic"],
  },
];

/** Runs `count` seeds from `from`, and adds what happened to `counts`. */
async function run(
  setup: Setup,
  range: { readonly from: number; readonly count: number },
  counts: Map<string, number>,
): Promise<void> {
  const seeds = Array.from({ length: range.count }, (_, index) => range.from + index);
  const report = await simulate({ ...optionsFor(setup), seeds, onFailure: "stop" });
  for (const [name, count] of report.counts) counts.set(name, (counts.get(name) ?? 0) + count);
  counts.set("seeds", (counts.get("seeds") ?? 0) + report.seeds);
  const [failure] = report.failures;
  if (failure === undefined) return;
  expect.fail(failureText({ ...failure, replay: commandFor(setup, failure.seed) }, 40));
}

describe("some hundred seeds", () => {
  it.each(ofToday(SLICES, SHARES, IS_ALL))("$scenario", { timeout: 120_000 }, async (slice) => {
    const { scenario, seeds = SEEDS, mustHit } = slice;
    const counts = new Map<string, number>();
    let from = 1;
    for (const [engine, engineShare] of ENGINES) {
      for (const [profile, profileShare] of PROFILES) {
        const count = (seeds * engineShare * profileShare) / 10_000;
        const setup = { scenario, engine, profile, shrink: false, durationMs: SECONDS * 1_000 };
        await run(setup, { from, count }, counts);
        from += count;
      }
    }
    const wasHit = (name: string): boolean =>
      ["", "fault.", "event.", "mark."].some((prefix) => counts.has(prefix + name));
    const faults = seeds < SEEDS ? [] : FAULTS;
    expect([...faults, ...mustHit].filter((name) => !wasHit(name))).toEqual([]);
    // A history that could not be judged proves nothing.
    expect(counts.get("history.kv.unknown")).toBeUndefined();
    expect(counts.get("seeds")).toBe(seeds);
  });
});
