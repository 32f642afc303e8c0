/**
 * One run of the fleet on a real server: five processes with clocks that are wrong by up to two
 * seconds, a schedule of one second, and trouble until enough ticks have passed.
 */
import { sleep, systemRuntime } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";
import { createCron, type Cron, type PastRun } from "@quorate/cron";
import { createGuard } from "@quorate/lock";

import { startSingle } from "../faults/rigs.ts";
import { connect } from "../idempotency/connect.ts";
import { Fleet, type Troubles } from "./fleet.ts";
import { type Findings, judge } from "./judge.ts";
import { readLedger } from "./ledger.ts";
import { type Job, JOBS, PERIOD_MS } from "./protocol.ts";

const SKEWS_MS = [-2_000, -900, 0, 1_100, 2_000];
/** Well within the time in which 500 past runs come together. */
const READ_MS = 60_000;
/** After the troubles: leases end, crashed runs are repeated, the last tick is judged. */
const SETTLE_MS = 60_000;

/** A run of the fleet. */
export interface FleetOptions {
  readonly engine: "redis" | "nats";
  readonly ticks: number;
  readonly seed: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (ticks: number, troubles: Troubles) => void;
}

/** What came of it. */
export interface FleetReport {
  readonly findings: Findings;
  readonly troubles: Troubles;
}

/** Runs the fleet. */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const { engine, ticks, seed, onProgress } = options;
  const rig = await startSingle(engine, { workers: SKEWS_MS.length, persistence: "everysec" });
  const fleet = new Fleet(rig, seededRandom(seed), SKEWS_MS);
  const { backend, close } = await connect(engine, rig.server.url ?? "", rig.namespace);
  const cron = createCron(backend, { name: "judge" });
  const chronicle = new Chronicle(cron);
  try {
    await fleet.start();
    const firstTick = Math.ceil(Date.now() / PERIOD_MS + 3) * PERIOD_MS;
    const lastTick = firstTick + (ticks - 1) * PERIOD_MS;
    fleet.trouble();
    for (let nextReadMs = 0; Date.now() < lastTick;) {
      await sleep(systemRuntime, PERIOD_MS);
      if (Date.now() < nextReadMs) continue;
      nextReadMs = Date.now() + READ_MS;
      await chronicle.read();
      onProgress?.(Math.max(0, (Date.now() - firstTick) / PERIOD_MS), fleet.troubles);
    }
    await fleet.mend();
    await judgedUntil(cron, lastTick);
    const notes = await fleet.end();
    await chronicle.read();
    const record = await createGuard(backend.kv).peek("ledger");
    const ledger = readLedger(record?.payload);
    const { history } = chronicle;
    const findings = judge({ notes, history, ledger, firstTick, lastTick });
    return { findings, troubles: fleet.troubles };
  } finally {
    fleet.abandon();
    await cron.close();
    await close();
    await rig.stop();
  }
}

/** Past runs, read before the record forgets them. */
class Chronicle {
  readonly #cron: Cron;
  readonly #seen: Record<Job, Map<string, PastRun>> = { skips: new Map(), retries: new Map() };

  constructor(cron: Cron) {
    this.#cron = cron;
  }

  get history(): Record<Job, readonly PastRun[]> {
    const { skips, retries } = this.#seen;
    return { skips: [...skips.values()], retries: [...retries.values()] };
  }

  async read(): Promise<void> {
    for (const job of JOBS) {
      for (const past of await this.#cron.history(job)) {
        const { key, outcome, attempt } = past;
        this.#seen[job].set(`${key} ${outcome} ${attempt}`, past);
      }
    }
  }
}

/** Until every tick up to `lastTick` is dealt with, and nothing of it runs. */
async function judgedUntil(cron: Cron, lastTick: number): Promise<void> {
  const endMs = Date.now() + SETTLE_MS;
  while (Date.now() < endMs) {
    const states = new Map<string, boolean>();
    for await (const { name, judgedUntil: until, running, waiting } of cron.list()) {
      const isBusy = running.some(({ tick }) => tick.getTime() <= lastTick) || waiting > 0;
      states.set(name, until.getTime() >= lastTick && !isBusy);
    }
    if (JOBS.every((job) => states.get(job) === true)) return;
    await sleep(systemRuntime, PERIOD_MS / 4);
  }
  throw new Error("the last tick was not dealt with after the troubles");
}
