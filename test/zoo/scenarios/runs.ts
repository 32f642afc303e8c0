import { createLocks } from "@quorate/lock";
import type { EngineName, SimProcess, World } from "@quorate/simulator";

import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

const TTL_MS = 1_500;
/** Long enough for several renewals. */
const LONGEST_MS = 4_000;
/** Who wakes is told by its first timer. */
const TOLD_MS = 5;

interface Listener {
  readonly process: SimProcess;
  readonly signal: AbortSignal;
}

interface Run {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Who works without having been told to stop, and whose work counted. */
class Work {
  readonly #sim: World;
  readonly #counted: Run[] = [];
  #listeners: Listener[] = [];
  #crowdedSinceMs = Infinity;

  constructor(sim: World) {
    this.#sim = sim;
    sim.always("who was not told to stop is alone", () => this.#check());
  }

  begin(listener: Listener): void {
    this.#listeners.push(listener);
  }

  end(listener: Listener): void {
    this.#listeners = this.#listeners.filter((one) => one !== listener);
  }

  /** `run` has answered: the lock was held throughout. */
  counted(run: Run): void {
    for (const { name, fromMs, toMs } of this.#counted.slice(-20)) {
      if (run.toMs <= fromMs || toMs <= run.fromMs) continue;
      const other = `${run.name} from ${run.fromMs} to ${run.toMs}`;
      const both = `${name} from ${fromMs} to ${toMs}, ${other}`;
      this.#sim.fail("work that counts was alone", both);
    }
    this.#counted.push(run);
  }

  /** Who stands still does nothing, and can be told nothing. */
  #check(): true | string {
    const working = this.#listeners.length < 2 ? [] : this.#working();
    if (working.length < 2) this.#crowdedSinceMs = Infinity;
    else if (this.#crowdedSinceMs === Infinity) this.#crowdedSinceMs = this.#sim.nowMs;
    if (!(this.#sim.nowMs - this.#crowdedSinceMs > TOLD_MS)) return true;
    return `${working.join(" and ")} work`;
  }

  #working(): string[] {
    this.#listeners = this.#listeners.filter(({ process }) => process.isAlive);
    return this.#listeners
      .filter(({ process, signal }) => process.node.state === "running" && !signal.aborted)
      .map(({ process }) => process.name);
  }
}

/** Four workers that hold for long, look at nothing but their signal, and trust what `run` says. */
export const runs: Enclosure = {
  name: "runs",
  claim: "the signal comes before the end of the lease, and `run` answers only if it did not come",
  durationMs: 60_000,
  atLeast: { held: 3 },
  world: inhabit,
};

/** The same, but it takes long until two of them hear an answer. */
export const slowAnswers: Enclosure = {
  ...runs,
  name: "slow-answers",
  claim: "however long an answer takes, the lease counts from before the question",
  world(sim, engine) {
    inhabit(sim, engine);
    const slow = { minDelayMs: 120, maxDelayMs: 200 };
    sim.network.disturb(slow, { to: ["worker-1", "worker-2"] });
  },
};

function inhabit(sim: World, engine: EngineName): void {
  const store = sim.store("store", { engine });
  const work = new Work(sim);
  sim.process("worker", {
    count: 4,
    main: async (process) => {
      const locks = createLocks(store.backend(process), { ttlMs: TTL_MS, waitMs: 20_000 });
      await forEver(process, 100, async () => {
        let fromMs = 0;
        let toMs = 0;
        await locks.run("it", async ({ signal }) => {
          fromMs = sim.nowMs;
          const listener = { process, signal };
          work.begin(listener);
          process.mark("held");
          await process.sleep(process.runtime.random.next() * LONGEST_MS);
          work.end(listener);
          toMs = sim.nowMs;
        });
        work.counted({ name: process.name, fromMs, toMs });
      });
    },
  });
}
