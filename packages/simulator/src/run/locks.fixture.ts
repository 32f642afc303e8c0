/**
 * Worlds of locks, for tests: five processes that contend for one lock, write to a resource under
 * it, and are watched from outside.
 *
 * `sound` is the lock of `@quorate/lock`. The others are what people write: each has one mistake,
 * and the simulation must find it.
 */
import { type Backend, isQuorateError } from "@quorate/core";
import { createLocks } from "@quorate/lock";
import type { SimProcess } from "./process.ts";
import type { World } from "./world.ts";

const TTL_MS = 3_000;

/** Somebody who believes that it holds the lock. */
export interface Belief {
  /** What it would find if it looked at its lock now. */
  readonly remainingMs: number;
  readonly token: number;
}

/** Runs `work` under the lock, once; rejects with a `QuorateError` where it was not granted. */
export type RunLocked = (work: (belief: Belief) => Promise<void>) => Promise<void>;

/** A way to lock. */
export type LockMaker = (process: SimProcess, backend: Backend) => RunLocked;

/** Quorate's own. */
export const sound: LockMaker = (_process, backend) => {
  const locks = createLocks(backend, { ttlMs: TTL_MS, waitMs: 5_000 });
  return (work) =>
    locks.run("a", (lock) =>
      work({
        token: lock.fencingToken,
        get remainingMs() {
          return lock.remainingMs;
        },
      }),
    );
};

/** A key with a TTL, and one mistake. */
export function naive(mistake: "no-owner-check" | "counts-from-the-reply"): LockMaker {
  return (process, backend) => async (work) => {
    const { time, ids } = process.runtime;
    const owner = ids.unique();
    const sentMs = time.monotonicMs();
    const { kv } = backend;
    const put = await kv.put("naive", owner, { expect: "absent", ttlMs: TTL_MS });
    if (!put.ok) return process.sleep(200);
    const fromMs = mistake === "counts-from-the-reply" ? time.monotonicMs() : sentMs;
    const untilMs = fromMs + TTL_MS * 0.98;
    const remaining = (): number => untilMs - time.monotonicMs();
    await work({
      token: put.entry.revision,
      get remainingMs() {
        return remaining();
      },
    });
    const ours = mistake === "no-owner-check" ? {} : { expect: put.entry.revision };
    await kv.delete("naive", ours);
  };
}

/** Declares the world. */
export function lockWorld(maker: LockMaker): (sim: World) => void {
  return (sim) => {
    const store = sim.store("store");
    const believers = new Map<string, Belief>();
    const resource = new Resource(sim);
    sim.process("worker", {
      count: 5,
      main: (process) => {
        believers.delete(process.name);
        const runLocked = maker(process, store.backend(process, { requestTimeoutMs: 2_000 }));
        return contend(process, runLocked, { believers, write: resource.writer(process) });
      },
    });
    sim.always("one believer", () => {
      const names = [...believers.keys()].filter((name) => {
        return (believers.get(name)?.remainingMs ?? 0) > 0;
      });
      return names.length <= 1 || names.join(" and ");
    });
    let atHealing: number | undefined;
    sim.eventually("work goes on", { withinMs: 60_000 }, () => {
      atHealing ??= sim.count("worked");
      return sim.count("worked") > atHealing + 3;
    });
  };
}

interface Place {
  readonly believers: Map<string, Belief>;
  readonly write: (token: number) => void;
}

async function contend(process: SimProcess, runLocked: RunLocked, place: Place): Promise<void> {
  const { believers, write } = place;
  for (;;) {
    try {
      await runLocked(async (belief) => {
        believers.set(process.name, belief);
        process.mark("granted");
        await process.sleep(process.runtime.random.next() * 1_500);
        // Looks, then writes: between the two there may be a pause of any length.
        if (belief.remainingMs > 0) write(belief.token);
        process.mark("worked");
      });
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      process.mark(error.code);
      await process.sleep(100);
    } finally {
      believers.delete(process.name);
    }
  }
}

/** What the lock protects: a server of its own that refuses tokens below the highest seen. */
class Resource {
  readonly #sim: World;
  readonly #server: ReturnType<World["kernel"]["addNode"]>;
  #floor = 0;

  constructor(sim: World) {
    this.#sim = sim;
    this.#server = sim.kernel.addNode("resource", "server");
  }

  writer(process: SimProcess): (token: number) => void {
    const wire = this.#sim.network.wire(process.node, this.#server);
    return (token) =>
      wire.toStore(() => {
        this.#sim.mark(token < this.#floor ? "stale write refused" : "write");
        this.#floor = Math.max(this.#floor, token);
      }, `write under ${token}`);
  }
}
