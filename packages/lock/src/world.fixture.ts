/**
 * Processes on one store in memory, in scripted time; each may be paused by itself.
 *
 * A paused process runs no timer and hears no reply, while the world goes on: SIGSTOP, as far as
 * one Node.js process can play it.
 */
import { ScriptedRuntime } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
import { PausableRuntime } from "../../../test/support/pausable-runtime.ts";
import { createLocks, type Locks } from "./locks.ts";
import type { LocksOptions } from "./options.ts";

/** One process: its backend, its locks, and the switch that stops it. */
export interface TestProcess {
  readonly backend: MemoryBackend;
  readonly locks: Locks;
  readonly isPaused: boolean;
  pause(): void;
  resume(): void;
}

/** A store and its time. */
export class World {
  readonly runtime: ScriptedRuntime;
  readonly store: MemoryStore;
  #processes = 0;

  constructor(seed = 1) {
    this.runtime = new ScriptedRuntime({ seed });
    this.store = createMemoryStore({ runtime: this.runtime });
  }

  /** Starts a process. */
  process(options: LocksOptions = {}, requestTimeoutMs = 1_000): TestProcess {
    this.#processes += 1;
    const pausable = new PausableRuntime(this.runtime, this.#processes);
    const { store } = this;
    const backend = memoryBackend({ store, runtime: pausable, requestTimeoutMs });
    const locks = createLocks(backend, { ttlMs: 10_000, ...options });
    return {
      backend,
      locks,
      get isPaused() {
        return pausable.isPaused;
      },
      pause: () => {
        pausable.pause();
        backend.faults.pauseReplies();
      },
      resume: () => {
        // Node's order after a stall: first the timers that are due, then what has been received.
        pausable.resume();
        backend.faults.resumeReplies();
      },
    };
  }

  /** Lets promises settle without time passing. */
  settle(): Promise<void> {
    return this.runtime.advance(0);
  }
}
