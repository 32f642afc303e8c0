/**
 * The guard where servers fail over: what is lost is lost, and nothing worse happens.
 *
 * Where a failover forgets (Redis with replicas, memory), an acknowledged number may be gone
 * afterwards, and be written again by another. The claim is made per **era**, the time between two
 * losses: in one era no number is acknowledged twice and none is lost. NATS elects and forgets
 * nothing: there the whole run is one era. Tokens are never handed out twice, whatever was lost.
 */
import { createGuard, createLocks, type Guard, type Lock } from "@quorate/lock";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, type Scenario, TTL_MS, WAIT_MS, Workers } from "../scenario.ts";

/** Faults after which acknowledged writes may be gone. */
const LOSSES = ["fault.store-failover", "fault.store-flush"];

/** Five workers count up under a lock, on a replicated store that loses what it may lose. */
export const guardFailover: Scenario = {
  name: "guard-failover",
  claim: "between two losses no write is lost or doubled, and no token is handed out twice",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: ["failover", "harsh"],
  atLeast: { wrote: 3 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine, replication: "replicated" });
    const ledger = new Ledger(sim);
    sim.process("worker", {
      count: 5,
      main: async (process) => {
        const backend = store.backend(process);
        const locks = createLocks(backend, { ttlMs: TTL_MS, waitMs: WAIT_MS });
        const guarded = createGuard(backend.kv);
        await workers.forEver(process, () =>
          locks.run("counter", (held) => {
            ledger.granted(held);
            return countUp(process, guarded, held, ledger);
          }),
        );
      },
    });
  },
};

/** What was acknowledged in this era. */
class Ledger {
  readonly #sim: World;
  readonly #tokens = new Set<number>();
  #numbers = new Set<number>();
  #most = 0;
  #era = 0;

  constructor(sim: World) {
    this.#sim = sim;
  }

  /** How many losses there were. */
  get era(): number {
    const { counts } = this.#sim.kernel.witness;
    const era = LOSSES.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
    if (era === this.#era) return era;
    this.#era = era;
    this.#numbers = new Set();
    this.#most = 0;
    this.#sim.mark("loss survived");
    return era;
  }

  get most(): number {
    return this.#most;
  }

  granted({ fencingToken }: Lock): void {
    if (this.#tokens.has(fencingToken)) {
      this.#sim.fail("no token twice", `${fencingToken} was handed out before`);
    }
    this.#tokens.add(fencingToken);
  }

  read(count: number, since: { readonly era: number; readonly most: number }): void {
    if (this.era !== since.era || count >= since.most) return;
    this.#sim.fail("no write is lost between losses", `read ${count} after ${since.most}`);
  }

  wrote(count: number, since: { readonly era: number }): void {
    if (this.era !== since.era) return; // It may be among what was lost.
    if (this.#numbers.has(count)) {
      this.#sim.fail("no write is doubled between losses", `${count} was acknowledged twice`);
    }
    this.#numbers.add(count);
    this.#most = Math.max(this.#most, count);
  }
}

async function countUp(
  process: SimProcess,
  guarded: Guard,
  held: Lock,
  ledger: Ledger,
): Promise<void> {
  const counter = await guarded.open(held, "counter");
  const { era, most } = ledger;
  const count = Number(Buffer.from((await counter.read()) ?? "0").toString());
  ledger.read(count, { era, most });
  await process.sleep(process.runtime.random.next() * 100);
  const sent = { era: ledger.era };
  await counter.write(String(count + 1));
  ledger.wrote(count + 1, sent);
  process.mark("wrote");
}
