/**
 * Several real processes that contend, driven from one.
 *
 * A lock library that is measured inside one process measures its event loop. The fleet is a few
 * processes of `lock.worker.ts`, each with its own connections, that take orders over Node's IPC
 * and answer with times on the machine's clock.
 */
import { type ChildProcess, fork } from "node:child_process";

import type { ContenderId } from "../contenders/contender.ts";

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

/** A worker's answer; errors travel as text. */
export type Answer =
  | { readonly ok: true; readonly grants: readonly GrantTimes[] }
  | { readonly ok: false; readonly message: string };

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
    const workers = Array.from({ length: size }, () => new Worker(file));
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
    await Promise.all(this.#workers.map((worker) => worker.end()));
  }
}

class Worker {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #refuse: ((reason: Error) => void) | undefined;

  constructor(file: URL) {
    this.#child = fork(file, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#gone = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        this.#refuse?.(new Error(`a worker ended with ${code ?? signal}`));
        resolve();
      });
    });
  }

  /** One order at a time. */
  async ask(order: Order): Promise<readonly GrantTimes[]> {
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#refuse = reject;
      this.#child.once("message", (message) => resolve(message as Answer));
      this.#child.send(order);
    });
    this.#refuse = undefined;
    if (answer.ok) return answer.grants;
    throw new Error(`worker: ${answer.message}`);
  }

  async end(): Promise<void> {
    if (this.#child.connected) this.#child.send({ kind: "close" } satisfies Order);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 2_000);
    await this.#gone;
    clearTimeout(timer);
  }
}
