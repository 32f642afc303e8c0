/**
 * The one lease of a worker, for all that it drives.
 *
 * A worker that loses its lease lost every instance that it drove. It begins again under a new
 * name: under the old one its records would look as if their owner lived, and nobody would take
 * them up.
 *
 * Guarantees: `signal` of an epoch aborts before the store's lease ends, by this process's clocks
 * (see `Lock.signal`), and at once when the store says that it is gone.
 */
import { setMaxListeners } from "node:events";
import {
  type Backend,
  type FencingToken,
  linkedController,
  type Ms,
  onAbort,
  sleep,
} from "@quorate/core";
import { createLocks, type Lock, type Locks } from "@quorate/lock";
import type { DriveContext } from "./contract.ts";
import { overtakenError } from "./errors.ts";
import { codeOf, type KernelEvents } from "./events.ts";

const PREFIX = "transaction-workers";
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Where the leases of workers are, for watching. */
export const WORKER_LEASES: string = `lock/${PREFIX}/`;

/** One lease, from its grant to its loss. */
export interface Epoch {
  readonly owner: string;
  readonly fencingToken: FencingToken;
  readonly context: DriveContext;
  /** Its renewal is overdue: the event loop had no turn for it. */
  isStarved(): boolean;
}

/** What a worker's lease is made of. */
export interface WorkerLeaseOptions {
  readonly backend: Backend;
  readonly events: KernelEvents;
  readonly leaseMs: Ms;
  /** Shown to whoever lists the workers. */
  readonly label: string | undefined;
  /** Begins to abort when the worker closes. */
  readonly closing: AbortSignal;
  /** Whether it has. */
  readonly isClosing: () => boolean;
}

/** Takes, keeps and retakes the lease. */
export class WorkerLease {
  readonly #options: WorkerLeaseOptions;
  readonly #locks: Locks;
  #epoch: Epoch | undefined;
  #asking: Promise<Epoch> | undefined;
  #controller: AbortController | undefined;
  /** Called with each new epoch. */
  onEpoch: (epoch: Epoch) => void = () => {};

  constructor(options: WorkerLeaseOptions) {
    this.#options = options;
    this.#locks = createLocks(options.backend, { prefix: PREFIX });
  }

  /** The present epoch; `undefined` while no lease is held. */
  get epoch(): Epoch | undefined {
    const epoch = this.#epoch;
    return epoch !== undefined && epoch.context.isHeld() ? epoch : undefined;
  }

  /** The present epoch, or, while no lease is held, the last. */
  get last(): Epoch | undefined {
    return this.#epoch;
  }

  /** The present epoch, or the next. One request for all who ask. */
  take(): Promise<Epoch> {
    this.#asking ??= this.#take().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** How much is left of `owner`'s lease, by the store's word; 0: it is gone. */
  async leftMs(owner: string, signal: AbortSignal): Promise<Ms> {
    const { holders } = await this.#locks.inspect(owner, { signal });
    return holders.reduce((most, { expiresInMs }) => Math.max(most, expiresInMs, 1), 0);
  }

  /** Keeps an epoch at all times, until the worker closes. Never rejects. */
  async keep(): Promise<void> {
    const { closing, backend, events } = this.#options;
    let pauseMs = FIRST_PAUSE_MS;
    while (!closing.aborted) {
      try {
        const { context } = this.epoch ?? (await this.take());
        pauseMs = FIRST_PAUSE_MS;
        await aborted(context.signal, closing);
      } catch (error) {
        if (events.worker.hasSubscribers) {
          events.worker.publish({ owner: "", kind: "refused", code: codeOf(error) });
        }
        const options = { signal: closing, keepAlive: false };
        await sleep(backend.runtime, pauseMs, options).catch(() => {});
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** Aborts the epoch's signal: the grace is over. */
  cut(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** Gives the lease back, so that others need not wait for its end. */
  async close(): Promise<void> {
    await this.#locks.close({ graceMs: 0 });
  }

  async #take(): Promise<Epoch> {
    const { backend, leaseMs, closing, events, label } = this.#options;
    if (this.epoch !== undefined) return this.epoch;
    const owner = backend.runtime.ids.operation();
    const lock = await this.#locks.acquire(owner, {
      ttlMs: leaseMs,
      waitMs: leaseMs,
      signal: closing,
      ...(label === undefined ? {} : { label }),
    });
    const epoch = this.#epochOf(owner, lock);
    this.#epoch = epoch;
    if (events.worker.hasSubscribers) events.worker.publish({ owner, kind: "granted" });
    this.onEpoch(epoch);
    return epoch;
  }

  #epochOf(owner: string, lock: Lock): Epoch {
    const { closing, isClosing, events } = this.#options;
    const { fencingToken } = lock;
    const controller = new AbortController();
    const { signal } = controller;
    let isCut = false;
    onAbort(signal, () => (isCut = true));
    setMaxListeners(0, signal); // Every drive listens, and every wait of one.
    this.#controller = controller;
    onAbort(lock.signal, () => {
      if (signal.aborted) return;
      controller.abort(overtakenError(`worker ${owner}`, fencingToken));
      if (events.worker.hasSubscribers) events.worker.publish({ owner, kind: "lost" });
    });
    const isHeld = (): boolean => !isCut && lock.remainingMs > 0;
    const isStarved = (): boolean => lock.remainingMs < this.#options.leaseMs / 2;
    return { owner, fencingToken, context: { signal, closing, isClosing, isHeld }, isStarved };
  }
}

/** Resolves when either aborts. */
function aborted(left: AbortSignal, right: AbortSignal): Promise<void> {
  const either = linkedController(left, right);
  return new Promise((resolve) => {
    const end = (): void => {
      either.detach();
      resolve();
    };
    onAbort(either.signal, end);
  });
}
