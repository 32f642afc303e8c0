/**
 * Fleets with a sick replica, simulated: who sends it how much, and what calls take.
 */
import type { Ms } from "@quorate/core";

import type { Claim, Section } from "../harness/report.ts";
import type { Measure } from "../harness/run.ts";
import { median, quantile } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";
import { DEFAULT, KINDS, type Make, ROUND_ROBIN } from "./kinds.ts";
import { type FleetCall, runFleet, type Sickness } from "./world.ts";

const SEEDS = [1, 2, 3];
const REPLICAS = 10;
const SICK = 0;
const SLOW_RUN_MS = 20_000;
const P99_BAR_MS = 100;
const RR_BAR_MS = 5_000;
const ALIKE_BAR = 1.1;
/** Of all calls, from a second after it began to fail. */
const FAILING_BAR = 0.01;
const FAILING: Sickness = { kind: "failing", fromMs: 5_000, untilMs: 20_000 };
/** When a healed replica must have its share back, and until when that is looked at. */
const BACK = { fromMs: 50_000, untilMs: 60_000 };
const BACK_BAR = 0.7;

const WORLD =
  "Simulated: 20 clients, each with a balancer of its own, send 2,600 calls/s to 10 replicas of " +
  "4 workers, 10 ms a call on average (5 at least): two thirds of what they can do. No timeouts.";

/** One replica takes ten times as long. */
export const measureSlow: Measure = async ({ quick }): Promise<Section> => {
  const sickness: Sickness = { kind: "slow", fromMs: 0, untilMs: Infinity };
  const found = await overKinds(quick, (make, seed) => {
    const calls = runFleet({ seed, make, sickness, durationMs: SLOW_RUN_MS });
    const took = latencies(calls, SLOW_RUN_MS);
    return {
      p50: quantile(took, 0.5),
      p99: quantile(took, 0.99),
      share: shareOf(calls, SICK),
    };
  });
  const worst = Math.max(...found.get(DEFAULT).map(({ p99 }) => p99));
  const roundRobin = Math.min(...found.get(ROUND_ROBIN).map(({ p99 }) => p99));
  return {
    title: "One replica of ten is ten times slower",
    method: `${WORLD} For ${SLOW_RUN_MS / 1_000} s; ${seeds(quick)}`,
    tables: [
      {
        head: ["balancer", "p50", "p99", "share of the slow one"],
        rows: found.rows(({ p50, p99, share }) => [ms(p50), ms(p99), percent(share)]),
      },
    ],
    claims: [
      below("p99 with the default", worst, P99_BAR_MS),
      {
        name: "p99 with round robin, to show that it matters",
        bar: `> ${ms(RR_BAR_MS)}`,
        measured: ms(roundRobin),
        held: roundRobin > RR_BAR_MS,
      },
    ],
  };
};

/** One replica fails every call in half a millisecond, and heals. */
export const measureFailing: Measure = async ({ quick }): Promise<Section> => {
  const found = await overKinds(quick, (make, seed) => {
    const calls = runFleet({ seed, make, sickness: FAILING, durationMs: BACK.untilMs });
    const { fromMs, untilMs } = FAILING;
    return {
      first: shareOf(between(calls, fromMs, fromMs + 1_000), SICK),
      later: shareOf(between(calls, fromMs + 1_000, untilMs), SICK),
      back: shareOf(between(calls, BACK.fromMs, BACK.untilMs), SICK),
    };
  });
  const ours = found.get(DEFAULT);
  const later = Math.max(...ours.map((share) => share.later));
  const back = Math.min(...ours.map((share) => share.back)) * REPLICAS;
  return {
    title: "One replica of ten fails in half a millisecond, and heals after 15 s",
    method: `${WORLD} Shares of the sick one, the first; an even share is 10 %. ${seeds(quick)}`,
    tables: [
      {
        head: ["balancer", "first second", "then", "30 to 40 s after it healed"],
        rows: found.rows(({ first, later, back }) => [first, later, back].map(percent)),
      },
    ],
    claims: [
      {
        name: "what a failing replica gets after a second, with the default",
        bar: `< ${percent(FAILING_BAR)}`,
        measured: percent(later),
        held: later < FAILING_BAR,
      },
      {
        name: "of its even share it has back half a minute after it healed",
        bar: `≥ ${percent(BACK_BAR)}`,
        measured: percent(back),
        held: back >= BACK_BAR,
      },
    ],
  };
};

/** All replicas are alike. */
export const measureEqual: Measure = async ({ quick }): Promise<Section> => {
  const durationMs = 10_000;
  const found = await overKinds(quick, (make, seed) => {
    const calls = runFleet({ seed, make, durationMs });
    const took = latencies(calls, durationMs);
    // One caller, and hardly ever two calls at once: all that decides is how ties are broken.
    const alone = runFleet({ seed, make, durationMs: 60_000, clients: 1, perS: 20 });
    return {
      p50: quantile(took, 0.5),
      p99: quantile(took, 0.99),
      first: shareOf(alone, 0),
      most: Math.max(...Array.from({ length: REPLICAS }, (_, index) => shareOf(alone, index))),
    };
  });
  const p99 = (name: string): number => median(found.get(name).map((row) => row.p99));
  const ratio = p99(DEFAULT) / p99(ROUND_ROBIN);
  const first = Math.max(...found.get(DEFAULT).map((row) => row.first)) * REPLICAS;
  return {
    title: "All replicas are alike",
    method:
      `${WORLD} Shares are those of a single caller with 20 calls/s, for whom nearly ` +
      `every choice is a tie. ${seeds(quick)}`,
    tables: [
      {
        head: ["balancer", "p50", "p99", "share of the first", "largest share"],
        rows: found.rows((row) => [
          ms(row.p50),
          ms(row.p99),
          percent(row.first),
          percent(row.most),
        ]),
      },
    ],
    claims: [
      below("p99 with the default, beside round robin's", ratio, ALIKE_BAR, " ×"),
      below("what the first of equals gets, of its even share", first, 1.5, " ×"),
    ],
  };
};

/** What one run came to, by kind. */
class Found<T extends object> {
  readonly #byKind = new Map<string, T[]>();

  add(name: string, run: T): void {
    this.#byKind.set(name, [...(this.#byKind.get(name) ?? []), run]);
  }

  /** Of all seeds. */
  get(name: string): readonly T[] {
    return this.#byKind.get(name) ?? [];
  }

  /** One row a kind, of medians over seeds. */
  rows(cells: (run: T) => readonly string[]): string[][] {
    return [...this.#byKind].map(([name, runs]) => [name, ...cells(middle(runs))]);
  }
}

async function overKinds<T extends object>(
  quick: boolean,
  run: (make: Make, seed: number) => T,
): Promise<Found<T>> {
  const found = new Found<T>();
  for (const [name, make] of KINDS) {
    for (const seed of quick ? [1] : SEEDS) found.add(name, run(make, seed));
  }
  return found;
}

function middle<T extends object>(runs: readonly T[]): T {
  const names = Object.keys(runs[0] ?? {}) as (keyof T)[];
  const entries = names.map((name) => [name, median(runs.map((run) => Number(run[name])))]);
  return Object.fromEntries(entries) as T;
}

/** A call that has not ended counts as long as it has lasted. */
function latencies(calls: readonly FleetCall[], endMs: Ms): readonly Ms[] {
  return calls.map(({ beganMs, tookMs }) => Math.min(tookMs, endMs - beganMs));
}

function between(calls: readonly FleetCall[], fromMs: Ms, untilMs: Ms): readonly FleetCall[] {
  return calls.filter(({ beganMs }) => beganMs >= fromMs && beganMs < untilMs);
}

function shareOf(calls: readonly FleetCall[], replica: number): number {
  return calls.filter((call) => call.replica === replica).length / calls.length;
}

function below(name: string, value: number, bar: number, unit = " ms"): Claim {
  return {
    name,
    bar: `< ${bar}${unit}`,
    measured: `${figure(value)}${unit}`,
    held: value < bar,
  };
}

function seeds(quick: boolean): string {
  return quick ? "Seed 1." : `Medians of the seeds ${SEEDS.join(", ")}; claims by the worst.`;
}

function ms(value: Ms): string {
  return `${figure(value)} ms`;
}

function percent(share: number): string {
  return `${figure(share * 100)} %`;
}
