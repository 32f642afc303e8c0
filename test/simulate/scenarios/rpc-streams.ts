/**
 * rpc-streams: streams between processes that die, stall and lose their links.
 *
 * Seen from above: which item each consumer was given, what it was told at the end, and whether the
 * handler of a stream that nobody reads any more has come to its end.
 */
import { isQuorateError } from "@quorate/core";
import { client, contract, type Items, serve } from "@quorate/rpc";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS, Workers } from "../scenario.ts";

const count = (value: unknown): number => Number(value);
const text = (value: unknown): string => String(value);
const Counts = contract("counts", "1.0.0", {
  /** Counts from 0 to a number; the input is a name of the stream and that number. */
  count: { input: text, items: count, repeat: "safe" },
});

const KEEP_ALIVE_MS = 500;
/** Silence of either side, a pause that is forgiven, and the turn in which it is noticed. */
const NOTICED_MS = 10_000;

/** Two servers, three clients. */
export const rpcStreams: Scenario = {
  name: "rpc-streams",
  claim: "items come in order, all of them where the end says so, and no handler runs for nobody",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { whole: 2 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const handlers = new Handlers(sim);
    sim.process("server", {
      count: 2,
      main: async (process) => {
        handlers.lives(process);
        for (;;) {
          try {
            await serve(store.backend(process), Counts, {
              count: (input, { signal }) => handlers.run(process, input, signal),
            });
            return;
          } catch (error) {
            if (!isQuorateError(error)) throw error;
            await process.sleep(200);
          }
        }
      },
    });
    sim.process("client", {
      count: 3,
      main: async (process) => {
        handlers.lives(process);
        const streams = { keepAliveMs: KEEP_ALIVE_MS, windowItems: 16 };
        // Without a lease a dead client is known by its silence alone.
        const presence = process.index === 0 ? { leaseMs: TTL_MS } : false;
        const counts = client(store.backend(process), Counts, { streams, presence });
        let number = 0;
        await workers.forEver(process, async () => {
          number += 1;
          const name = `${process.name}-${process.incarnation}-${number}`;
          const to = Math.floor(process.runtime.random.next() * 60);
          handlers.reads(process, name);
          try {
            const bound = number % 2 === 0 ? { timeoutMs: 8_000 } : { idleTimeoutMs: 3_000 };
            const items = counts.count(`${name} ${to}`, bound);
            await read(sim, process, { items, to, did: () => workers.did(process) });
          } finally {
            handlers.readNoMore(name);
          }
        });
      },
    });
  },
};

/** What is read. */
interface Reading {
  readonly items: Items<number>;
  /** How many there are. */
  readonly to: number;
  /** A slow stream may last, and end in time's name: each item is something done. */
  did(): void;
}

/** Reads to the end, or leaves; now and then slowly. */
async function read(sim: World, process: SimProcess, { did, items, to }: Reading): Promise<void> {
  const { random } = process.runtime;
  const leaveAt = random.next() < 0.2 ? Math.floor(random.next() * 60) : Infinity;
  const pauseMs = random.next() < 0.2 ? 200 : 0;
  let next = 0;
  for await (const item of items) {
    if (item !== next) {
      sim.fail("items come in order, each once", `${process.name} was given ${item} for ${next}`);
    }
    next += 1;
    did();
    if (next > leaveAt) return process.mark("left");
    if (pauseMs > 0) await process.sleep(pauseMs * random.next());
  }
  if (next !== to) sim.fail("a stream that ends is whole", `${next} items of ${to}`);
  process.mark("whole");
}

/** Something that happens in one life of a process. */
interface Run {
  readonly process: string;
  readonly incarnation: number;
}

/** The handlers of all servers, and who reads what they yield. */
class Handlers {
  readonly #running = new Map<Run, string>();
  /** Streams that are read, and by which life of which process. */
  readonly #read = new Map<string, Run>();
  readonly #lives = new Map<string, number>();

  constructor(sim: World) {
    sim.eventually("no handler runs for nobody", { withinMs: 2 * NOTICED_MS }, () => {
      // Whoever has just left is not known to have left; so there must be such a moment.
      const running = [...this.#running].filter(([run]) => this.#isAlive(run));
      const orphans = running.map(([, name]) => name).filter((name) => !this.#isRead(name));
      return orphans.length === 0 || `running for nobody: ${orphans.join(", ")}`;
    });
  }

  /** A life of a process begins; what its former ones left is gone. */
  lives({ incarnation, name }: SimProcess): void {
    this.#lives.set(name, incarnation);
  }

  reads({ incarnation, name: process }: SimProcess, name: string): void {
    this.#read.set(name, { process, incarnation });
  }

  readNoMore(name: string): void {
    this.#read.delete(name);
  }

  async *run(process: SimProcess, input: string, signal: AbortSignal): AsyncGenerator<number> {
    const [name = "", to = "0"] = input.split(" ");
    const run: Run = { process: process.name, incarnation: process.incarnation };
    this.#running.set(run, name);
    const { random } = process.runtime;
    const pauseMs = random.next() < 0.3 ? 100 : 0;
    try {
      for (let at = 0; at < Number(to); at++) {
        if (pauseMs > 0) await process.sleep(pauseMs * random.next());
        yield at;
      }
      // Some have nothing more to say and do not end: their signal must end them.
      if (random.next() < 0.1) await aborted(signal);
    } finally {
      this.#running.delete(run);
      process.mark("handler ended");
    }
  }

  #isRead(name: string): boolean {
    const reader = this.#read.get(name);
    return reader !== undefined && this.#isAlive(reader);
  }

  #isAlive({ incarnation, process }: Run): boolean {
    return this.#lives.get(process) === incarnation;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}
