/**
 * Who lives: the workers whose leases are there, as told by a watch.
 *
 * A hint that saves questions, never a verdict: that a worker is gone is asked of the store, by
 * name, before anything of its is taken.
 */
import { type Backend, type Ms, sleep } from "@quorate/core";
import type { KernelEvents } from "./events.ts";
import { publishTrouble } from "./events.ts";
import { WORKER_LEASES } from "./worker-lease.ts";

const AGAIN_MS: Ms = 500;

/** The live workers, as far as is known. */
export class LiveWorkers {
  readonly #backend: Backend;
  readonly #events: KernelEvents;
  readonly #live = new Set<string>();
  #isFresh = false;

  constructor(backend: Backend, events: KernelEvents) {
    this.#backend = backend;
    this.#events = events;
  }

  /** Whether `owner` is known to live. */
  has(owner: string): boolean {
    return this.#isFresh && this.#live.has(owner);
  }

  /** All who are known to live. */
  get owners(): Iterable<string> {
    return this.#live;
  }

  /** Follows the leases until `signal`; calls `onEnd` when one has ended. Never rejects. */
  async follow(signal: AbortSignal, onEnd: () => void): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of this.#backend.leases.watch(WORKER_LEASES, { signal })) {
          if (event.kind === "stale") this.#isFresh = false;
          else if (event.kind === "synced") this.#isFresh = true;
          else if (event.kind === "granted") this.#live.add(workerOf(event.name));
          else if (this.#live.delete(workerOf(event.name))) onEnd();
        }
      } catch (error) {
        if (signal.aborted) return;
        publishTrouble(this.#events, { collection: "", id: "", doing: "watch" }, error);
      }
      this.#isFresh = false;
      this.#live.clear();
      await sleep(this.#backend.runtime, AGAIN_MS, { signal, keepAlive: false }).catch(() => {});
    }
  }
}

function workerOf(lease: string): string {
  return lease.slice(WORKER_LEASES.length);
}
