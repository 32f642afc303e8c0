import { createLocks, type Lock, type LockOptions, type Locks } from "@quorate/lock";
import type { EngineName, SimProcess, World } from "@quorate/simulator";

import type { Enclosure } from "../enclosure.ts";
import { forEver } from "./persist.ts";

/** How much later one may ask and still be before another in line: messages take their time. */
const ORDER_MS = { memory: 100, redis: 100, nats: 300 } as const;

/** How much later one may hear of a grant that came first: a waiter hears in two steps. */
const HEARD_MS = { memory: 50, redis: 50, nats: 300 } as const;

/**
 * How long the head of the line may wait for what is free. Two who ask at once may arrive the other
 * way round: then it is not free for the one whom we take for the head, for the time of a hold.
 */
const IDLE_MS = { memory: 400, redis: 400, nats: 1_000 } as const;

interface Ask {
  readonly weight: number;
  readonly askedMs: number;
  /** When somebody who asked later held first. */
  overtakenMs?: number;
}

/** Who waits and who holds, seen from above. */
class Line {
  readonly #sim: World;
  readonly #capacity: number;
  readonly #engine: EngineName;
  readonly #waiting = new Set<Ask>();
  #used = 0;
  #fitsSinceMs = Infinity;

  constructor(sim: World, capacity: number, engine: EngineName) {
    this.#sim = sim;
    this.#capacity = capacity;
    this.#engine = engine;
    sim.always("nobody waits for what is free", () => {
      const idleMs = sim.nowMs - this.#fitsSinceMs;
      return idleMs <= IDLE_MS[engine] || `it has been free for ${idleMs} ms`;
    });
    sim.always("first come, first served", () => {
      for (const { askedMs, overtakenMs = Infinity } of this.#waiting) {
        if (sim.nowMs - overtakenMs <= HEARD_MS[engine]) continue;
        return `who asked at ${askedMs} was overtaken at ${overtakenMs}`;
      }
      return true;
    });
  }

  ask(weight: number): Ask {
    const ask: Ask = { weight, askedMs: this.#sim.nowMs };
    this.#waiting.add(ask);
    this.#look();
    return ask;
  }

  leave(ask: Ask): void {
    this.#waiting.delete(ask);
    this.#look();
  }

  granted(ask: Ask): void {
    this.#waiting.delete(ask);
    for (const ahead of this.#waiting) {
      if (ask.askedMs - ahead.askedMs > ORDER_MS[this.#engine]) {
        ahead.overtakenMs ??= this.#sim.nowMs;
      }
    }
    this.#used += ask.weight;
    if (this.#used > this.#capacity) this.#sim.fail("it fits", `${this.#used} are out`);
    this.#look();
  }

  givenBack({ weight }: Ask): void {
    this.#used -= weight;
    this.#look();
  }

  #look(): void {
    const [head] = this.#waiting;
    const fits = head !== undefined && this.#used + head.weight <= this.#capacity;
    if (!fits) this.#fitsSinceMs = Infinity;
    else if (this.#fitsSinceMs === Infinity) this.#fitsSinceMs = this.#sim.nowMs;
  }
}

type Acquire = (options: LockOptions) => Promise<Lock>;

/** Asks, gives up in one of four cases, holds for a moment. */
async function once(
  process: SimProcess,
  line: Line,
  weight: number,
  acquire: Acquire,
): Promise<void> {
  const { random } = process.runtime;
  const end = new AbortController();
  const ask = line.ask(weight);
  const patienceMs = random.next() < 0.25 ? random.next() * 200 : Infinity;
  const giveUp = (): void => {
    line.leave(ask);
    end.abort(new Error("changed its mind"));
  };
  const timer =
    patienceMs === Infinity ? undefined : process.runtime.time.setTimer(patienceMs, giveUp);
  let held: Lock;
  try {
    held = await acquire({ ttlMs: 5_000, waitMs: 60_000, signal: end.signal });
  } catch (error) {
    if (!end.signal.aborted) throw error;
    process.mark("gave up");
    return;
  } finally {
    timer?.cancel();
  }
  line.granted(ask);
  process.mark("held");
  await process.sleep(50 + random.next() * 200);
  line.givenBack(ask);
  await held.release();
}

const SHAPE = {
  durationMs: 20_000,
  atLeast: { held: 20, "gave up": 3 },
} as const;

/** Eight workers, four permits, claims of one to four, and changes of mind. */
export const line: Enclosure = {
  ...SHAPE,
  name: "line",
  claim: "in a calm world the line is served in order, and at once",
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const inLine = new Line(sim, 4, engine);
    sim.process("worker", {
      count: 8,
      main: (process) => {
        const permits = createLocks(store.backend(process)).semaphore("it", { permits: 4 });
        return forEver(process, 100, () => {
          const weight = 1 + Math.floor(process.runtime.random.next() * 4);
          return once(process, inLine, weight, (options) =>
            permits.acquire({ ...options, weight }),
          );
        });
      },
    });
  },
};

/** Seven workers that mostly read. A writer counts for all readers, whatever it weighs inside. */
export const readWriteLine: Enclosure = {
  ...SHAPE,
  name: "read-write-line",
  claim: "a writer is alone, and has its turn",
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const inLine = new Line(sim, 100, engine);
    sim.process("worker", {
      count: 7,
      main: (process) => {
        const locks: Locks = createLocks(store.backend(process));
        const { read, write } = locks.readWrite("it");
        return forEver(process, 30, () => {
          const writes = process.runtime.random.next() < 0.2;
          const side = writes ? write : read;
          return once(process, inLine, writes ? 100 : 1, (options) => side.acquire(options));
        });
      },
    });
  },
};
