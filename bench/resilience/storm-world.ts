/**
 * The retry storm: clients that answer a server's pause with so much work that it never recovers.
 *
 * 50 clients offer 900 requests a second to a server that can serve 1,000. It stalls for five
 * seconds. Then its queue is full of requests whose callers have long given up and asked again:
 * it serves the dead, the living wait behind them, time out, and ask again. A metastable failure:
 * the cause is gone and the effect stays (Bronson et al., "Metastable Failures in Distributed
 * Systems", HotOS 2021).
 */
import type { Runtime } from "@quorate/core";
import type { Policy } from "@quorate/resilience";
import { type RunResult, runOnce, type SimProcess, type World } from "@quorate/simulator";

/** Who calls how, and how the server admits. */
export interface Storm {
  /** The policy of one client. */
  readonly client: (runtime: Runtime) => Policy;
  /** The policy around the server's handler; without one its queue has no bound. */
  readonly server?: (runtime: Runtime) => Policy;
}

/** What came of it. */
export interface StormReport {
  /** Seconds after the stall until nearly all calls succeed again, and stay so; Infinity: never. */
  readonly recoveredAfterS: number;
  /** Requests that the server worked on for nobody, of all that it worked on. */
  readonly wasted: number;
  /** Requests sent for one call, on average. */
  readonly amplification: number;
  readonly result: RunResult;
}

export const TIMEOUT_MS = 500;
const CLIENTS = 50;
const OFFERED_PER_S = 900;
const SERVICE_MS = 30;
/** 30 at a time of 30 ms each: 1,000 a second. */
const WORKERS = 30;
const STALL_AT_MS = 5_000;
const STALL_MS = 5_000;
const RECOVERED_SHARE = 0.95;
/** So many seconds in a row count as recovered. */
const STEADY_S = 3;

const REQUEST = 1;
const ANSWER = 2;
const REFUSAL = 3;

interface Books {
  /** Calls that began, and that succeeded, by the second in which they began. */
  readonly begun: number[];
  readonly succeeded: number[];
  sent: number;
  served: number;
  wasted: number;
}

/** Runs one storm. */
export async function runStorm(
  storm: Storm,
  options: { readonly seed: number; readonly durationMs: number },
): Promise<StormReport> {
  const books: Books = { begun: [], succeeded: [], sent: 0, served: 0, wasted: 0 };
  const result = await runOnce({
    ...options,
    profile: "calm",
    world: (sim) => declare(sim, storm, books),
  });
  const calls = books.begun.reduce((sum, count) => sum + count, 0);
  return {
    recoveredAfterS: recoveredAfterS(books, options.durationMs),
    wasted: books.wasted / books.served,
    amplification: books.sent / calls,
    result,
  };
}

function declare(sim: World, storm: Storm, books: Books): void {
  sim.process("server", { main: (process) => serve(process, storm, books) });
  sim.process("client", {
    count: CLIENTS,
    faults: false,
    main: (process) => callForEver(sim, process, storm.client(process.runtime), books),
  });
  sim.at(STALL_AT_MS, () => sim.inject({ kind: "pause", target: "server", forMs: STALL_MS }));
}

async function callForEver(
  sim: World,
  process: SimProcess,
  policy: Policy,
  books: Books,
): Promise<void> {
  const send = requester(process, books);
  const meanMs = (1_000 * CLIENTS) / OFFERED_PER_S;
  for (;;) {
    await process.sleep(-Math.log(1 - process.runtime.random.next()) * meanMs);
    const second = Math.floor(sim.nowMs / 1_000);
    books.begun[second] = (books.begun[second] ?? 0) + 1;
    policy
      .run((call) => send(call.remainingMs), { repeat: "safe" })
      .then(
        () => (books.succeeded[second] = (books.succeeded[second] ?? 0) + 1),
        () => {}, // A failed call is one that did not succeed.
      );
  }
}

/** A request and its answer, by datagrams. */
function requester(process: SimProcess, books: Books): (remainingMs: number) => Promise<void> {
  const waiting = new Map<number, { resolve(): void; reject(error: Error): void }>();
  let last = 0;
  process.onMessage((from, data) => {
    if (from !== "server") return;
    const message = read(data);
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === ANSWER) waiter?.resolve();
    else waiter?.reject(refusal());
  });
  return (remainingMs) => {
    const id = ++last;
    books.sent += 1;
    process.send("server", write({ kind: REQUEST, id, remainingMs }));
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  };
}

function serve(process: SimProcess, storm: Storm, books: Books): void {
  const { time } = process.runtime;
  const workers = new Pool(WORKERS);
  const admit = storm.server?.(process.runtime);
  process.onMessage((from, data) => {
    const { id, remainingMs } = read(data);
    const deadlineMs = time.monotonicMs() + remainingMs;
    const work = async (): Promise<void> => {
      await workers.use(() => process.sleep(SERVICE_MS));
      books.served += 1;
      if (time.monotonicMs() > deadlineMs) books.wasted += 1;
    };
    const reply = (kind: number) => (): void => {
      process.send(from, write({ kind, id, remainingMs: 0 }));
    };
    const served = admit === undefined ? work() : admit.run(work, { deadlineMs });
    served.then(reply(ANSWER), reply(REFUSAL));
  });
}

/** What the server has: so many workers, and whoever finds none free waits, first come. */
class Pool {
  readonly #queue: (() => void)[] = [];
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  async use(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

function refusal(): Error {
  return Object.assign(new Error("overloaded"), { effect: "none" });
}

function recoveredAfterS({ begun, succeeded }: Books, durationMs: number): number {
  const healthy = (second: number): boolean =>
    (succeeded[second] ?? 0) >= RECOVERED_SHARE * (begun[second] ?? Infinity);
  const from = (STALL_AT_MS + STALL_MS) / 1_000;
  // The last second's calls have had no time to end.
  const to = durationMs / 1_000 - 1;
  for (let second = from; second + STEADY_S <= to; second++) {
    const steady = Array.from({ length: STEADY_S }, (_, ahead) => second + ahead).every(healthy);
    if (steady) return second - from;
  }
  return Infinity;
}

interface Datagram {
  readonly kind: number;
  readonly id: number;
  readonly remainingMs: number;
}

function write({ kind, id, remainingMs }: Datagram): Uint8Array {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32LE(id, 1);
  bytes.writeDoubleLE(remainingMs, 5);
  return bytes;
}

function read(data: Uint8Array): Datagram {
  const bytes = Buffer.from(data);
  return {
    kind: bytes.readUInt8(0),
    id: bytes.readUInt32LE(1),
    remainingMs: bytes.readDoubleLE(5),
  };
}
