import { createGuard, createLocks, type Guard, type Lock } from "@quorate/lock";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS, WAIT_MS, Workers } from "../scenario.ts";

/**
 * What was acknowledged, and what may have happened. A number is written by one holder only, and
 * each that was acknowledged is there for ever: the next holder reads it, or a greater one.
 */
class Ledger {
  readonly #sim: World;
  #acknowledged = 0;
  readonly #numbers = new Set<number>();

  constructor(sim: World) {
    this.#sim = sim;
  }

  read(count: number, atLeast: number): void {
    if (count >= atLeast) return;
    this.#sim.fail(
      "no acknowledged write is lost",
      `read ${count}, although ${atLeast} was written`,
    );
  }

  wrote(count: number): void {
    if (this.#numbers.has(count)) {
      this.#sim.fail("no late write gets in", `${count} was acknowledged to two holders`);
    }
    this.#numbers.add(count);
    this.#acknowledged = Math.max(this.#acknowledged, count);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }
}

/** Five workers count up under a lock, with the store's clock set now and then. */
export const guard: Scenario = {
  name: "guard",
  claim:
    "no acknowledged write is lost or overwritten by a stale holder, whatever pauses or drifts",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { wrote: 3 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const ledger = new Ledger(sim);
    sim.process("worker", {
      count: 5,
      main: async (process) => {
        const backend = store.backend(process);
        const locks = createLocks(backend, { ttlMs: TTL_MS, waitMs: WAIT_MS });
        const guarded = createGuard(backend.kv);
        await workers.forEver(process, () =>
          locks.run("counter", (held) => countUp(process, guarded, held, ledger)),
        );
      },
    });
  },
};

async function countUp(
  process: SimProcess,
  guarded: Guard,
  held: Lock,
  ledger: Ledger,
): Promise<void> {
  process.mark("held");
  const counter = await guarded.open(held, "counter");
  const atLeast = ledger.acknowledged;
  const count = Number(Buffer.from((await counter.read()) ?? "0").toString());
  ledger.read(count, atLeast);
  await process.sleep(process.runtime.random.next() * 100);
  await counter.write(String(count + 1));
  ledger.wrote(count + 1);
  process.mark("wrote");
}
