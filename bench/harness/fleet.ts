/**
 * Several real processes that contend, driven from one.
 *
 * A lock library that is measured inside one process measures its event loop. The fleet is a few
 * processes of `lock.worker.ts`, each with its own connections, that take orders over Node's IPC
 * and answer with times on the machine's clock.
 */
import type { ContenderId } from "../contenders/contender.ts";
import { Helper } from "./helper.ts";

/** One grant as its holder saw it; all times by `nowMs`. */
export interface GrantTimes {
  readonly waiter: number;
  /** Acquire was called. */
  readonly startedMs: number;
  /** Acquire had resolved. */
  readonly acquiredMs: number;
  /** Release is about to be called. */
  readonly releasedMs: number;
}

/** What a worker can be told to do. */
export type Order =
  | { readonly kind: "open"; readonly url: string; readonly ids: readonly ContenderId[] }
  /** Each waiter acquires once, from its time on, and releases at once. */
  | {
      readonly kind: "wait";
      readonly id: ContenderId;
      readonly name: string;
      readonly ttlMs: number;
      readonly waiters: readonly { readonly waiter: number; readonly startMs: number }[];
    }
  /** Each waiter acquires, holds, releases and comes back until `endMs`. */
  | {
      readonly kind: "loop";
      readonly id: ContenderId;
      readonly name: string;
      readonly ttlMs: number;
      readonly waiters: readonly number[];
      readonly holdMs: number;
      readonly startMs: number;
      readonly endMs: number;
    }
  | { readonly kind: "close" };

type Worker = Helper<Order, readonly GrantTimes[]>;

/** Worker processes. */
export class Fleet {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  /** Starts `size` processes of `file` and lets each connect every contender. */
  static async start(
    file: URL,
    size: number,
    connect: { readonly url: string; readonly ids: readonly ContenderId[] },
  ): Promise<Fleet> {
    const workers = Array.from({ length: size }, (): Worker => new Helper(file));
    const fleet = new Fleet(workers);
    await Promise.all(workers.map((worker) => worker.ask({ kind: "open", ...connect })));
    return fleet;
  }

  /**
   * Deals waiters 0 to `count` - 1 to the processes in turn, has each process carry out its order,
   * and answers all grants in the order in which the lock was acquired.
   */
  async deal(count: number, order: (waiters: readonly number[]) => Order): Promise<GrantTimes[]> {
    const hands = this.#workers.map((_, worker) =>
      Array.from({ length: count }, (_, waiter) => waiter).filter(
        (waiter) => waiter % this.#workers.length === worker,
      ),
    );
    const answers = await Promise.all(
      this.#workers.map(async (worker, index) => {
        const waiters = hands[index] ?? [];
        return waiters.length === 0 ? [] : worker.ask(order(waiters));
      }),
    );
    return answers.flat().sort((a, b) => a.acquiredMs - b.acquiredMs);
  }

  /** Ends the processes. */
  async close(): Promise<void> {
    const close = (worker: Worker): Promise<unknown> => worker.ask({ kind: "close" });
    await Promise.allSettled(this.#workers.map(close));
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}
