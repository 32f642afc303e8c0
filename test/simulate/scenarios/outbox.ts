import { isQuorateError } from "@quorate/core";
import { createIdempotency, inbox, type WorkContext } from "@quorate/idempotency";
import type { SimProcess, World } from "@quorate/simulator";
import {
  busTarget,
  createRelay,
  outboxCollection,
  receive,
  type ReceivedMessage,
} from "@quorate/transaction";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS, Workers } from "../scenario.ts";

const RECORDS = 3;
const KEYS = 2;
const PARTITIONS = 2;
/** Time after healing by which everything must have been delivered. */
const CATCH_UP_MS = 60_000;
/** Longer than a run of any length. */
const KEPT_MS = 86_400_000;

/** The state of a record: how many messages each of its keys has had. */
type Counts = Readonly<Record<string, number>>;

/** What a message says of itself. */
interface Body {
  readonly key: string;
  /** Of its key, from 1. */
  readonly n: number;
  /** The try of an update that emitted it. */
  readonly by: string;
}

/** Fails for no reason that the protocol should know of. */
class Mishap extends Error {}

/** What nobody in the world can see at once: which updates stand, and what was delivered. */
class Ledger {
  readonly #sim: World;
  /** Messages of tries that surely came to nothing. */
  readonly #void = new Set<string>();
  /** The last message of each key that is surely stored. */
  readonly #stored = new Map<string, number>();
  readonly #delivered = new Map<string, number>();
  readonly #deliveredBy = new Set<string>();
  /** Which try a number of a key is from. */
  readonly #tryOf = new Map<string, string>();
  /** By what was meant: the token of its effect, at a resource that refuses smaller ones. */
  readonly #effects = new Map<string, number>();

  constructor(sim: World) {
    this.#sim = sim;
    sim.eventually("every stored message is delivered", { withinMs: CATCH_UP_MS }, () => {
      const late = [...this.#stored].filter(([key, n]) => (this.#delivered.get(key) ?? 0) < n);
      const told = late.map(([key, n]) => `${key}: ${this.#delivered.get(key) ?? 0} of ${n}`);
      return late.length === 0 || told.join(", ");
    });
  }

  stored(counts: Counts): void {
    for (const [key, n] of Object.entries(counts)) {
      this.#stored.set(key, Math.max(n, this.#stored.get(key) ?? 0));
    }
  }

  /** The try `by` came to nothing, and will not. */
  cameToNothing(by: string): void {
    this.#void.add(by);
    if (this.#deliveredBy.has(by)) this.#uncommitted(by);
  }

  /** A delivery has reached its consumer. */
  arrives({ payload }: ReceivedMessage): void {
    const { key, n, by } = payload as unknown as Body;
    this.#deliveredBy.add(by);
    if (this.#void.has(by)) this.#uncommitted(by);
    const known = this.#tryOf.get(`${key} ${n}`) ?? by;
    if (known !== by) this.#sim.fail("a stored update stays", `${key} ${n} of ${known} and ${by}`);
    this.#tryOf.set(`${key} ${n}`, by);
    const before = this.#delivered.get(key) ?? 0;
    if (n > before + 1) {
      this.#sim.fail("first deliveries of a key are in order", `${key}: ${n} after ${before}`);
    }
    if (n <= before) this.#sim.mark("delivered again");
  }

  /** Its consumer says that it is done with it. */
  done({ payload }: ReceivedMessage): void {
    const { key, n } = payload as unknown as Body;
    this.#delivered.set(key, Math.max(n, this.#delivered.get(key) ?? 0));
  }

  /** The effect of a message, made behind an inbox. */
  effect({ payload }: ReceivedMessage, { fencingToken, takeover }: WorkContext): void {
    const { key, n, by } = payload as unknown as Body;
    const id = `${key} ${n} ${by}`;
    const before = this.#effects.get(id);
    if (before !== undefined && fencingToken < before) return this.#sim.mark("late effect refused");
    // Who takes over was told that somebody may have been there, and is to look first.
    if (before !== undefined && !takeover) {
      this.#sim.fail("effects happen once", `${id} was handled again`);
    }
    this.#effects.set(id, fencingToken);
  }

  #uncommitted(by: string): void {
    this.#sim.fail("nothing is delivered of an update that was not stored", by);
  }
}

/** Two writers change records that they share, two relays deliver, two consumers work. */
export const outbox: Scenario = {
  name: "outbox",
  claim:
    "stored messages are delivered at least once, in the order of their key, and no others; " +
    "behind an inbox each has its effect once",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { stored: 5, handled: 2 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const ledger = new Ledger(sim);
    sim.process("writer", {
      count: 2,
      main: async (process) => {
        const orders = outboxCollection<Counts>(store.backend(process), "orders", {
          partitions: PARTITIONS,
        });
        await workers.forEver(process, async () => {
          await process.sleep(400 * process.runtime.random.next());
          await write(process, orders, ledger);
        });
      },
    });
    sim.process("relay", {
      count: 2,
      main: async (process) => {
        const backend = store.backend(process);
        const relay = createRelay(backend, {
          from: outboxCollection(backend, "orders", { partitions: PARTITIONS }),
          to: busTarget(backend.bus, { timeoutMs: 2_000 }),
          ttlMs: TTL_MS,
          batch: 3,
          timeoutMs: 2_000,
          retry: { attempts: 1_000, baseMs: 50, maxMs: 2_000 },
        });
        await untilItWorks(process, () => relay.start());
      },
    });
    sim.process("consumer", {
      count: 2,
      main: async (process) => {
        const backend = store.backend(process);
        const handle = inbox<ReceivedMessage>(
          createIdempotency(backend, { name: "inbox", leaseMs: TTL_MS }),
          (message, context) => work(process, ledger, message, context),
          { id: ({ id }) => id, redeliveryHorizonMs: KEPT_MS },
        );
        await untilItWorks(process, () =>
          receive(backend.bus, "counted", async (message) => {
            ledger.arrives(message);
            await handle(message);
            ledger.done(message);
          }),
        );
      },
    });
  },
};

/** Changes a record, and says so in one to three messages of its keys. */
async function write(
  process: SimProcess,
  orders: ReturnType<typeof outboxCollection<Counts>>,
  ledger: Ledger,
): Promise<void> {
  const { random, ids } = process.runtime;
  const record = `r-${Math.floor(random.next() * RECORDS)}`;
  const tries: string[] = [];
  const giveUp = random.next() < 0.1;
  try {
    const counts = await orders.update(record, async (before, emit) => {
      const by = ids.operation();
      tries.push(by);
      const after: Record<string, number> = { ...before };
      for (let left = 1 + Math.floor(random.next() * 3); left > 0; left--) {
        const key = `${record}-${Math.floor(random.next() * KEYS)}`;
        const n = (after[key] ?? 0) + 1;
        after[key] = n;
        emit("counted", { key, n, by } satisfies Body, { key });
      }
      if (giveUp) throw new Mishap();
      await process.sleep(20 * random.next());
      return after;
    });
    for (const by of tries.slice(0, -1)) ledger.cameToNothing(by);
    if (counts !== undefined) ledger.stored(counts);
    process.mark("stored");
  } catch (error) {
    const isNone = error instanceof Mishap || (isQuorateError(error) && error.effect === "none");
    const surely = isNone ? tries : tries.slice(0, -1);
    for (const by of surely) ledger.cameToNothing(by);
    if (!(error instanceof Mishap)) throw error;
    process.mark("gave up");
  }
}

/** A handler: takes its time, and fails at times before and after it has had its effect. */
async function work(
  process: SimProcess,
  ledger: Ledger,
  message: ReceivedMessage,
  context: WorkContext,
): Promise<void> {
  const { random } = process.runtime;
  await process.sleep(200 * random.next());
  if (random.next() < 0.05) throw new Mishap();
  ledger.effect(message, context);
  process.mark("handled");
}

/** Tries again until it works; what was started then survives every reconnect. */
async function untilItWorks(process: SimProcess, start: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await start();
      return;
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      await process.sleep(200);
    }
  }
}
