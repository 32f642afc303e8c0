/**
 * Processes on one store in memory, in scripted time; each may be paused by itself.
 *
 * A paused process runs no timer and hears no reply, while the world goes on: SIGSTOP, as far as
 * one Node.js process can play it.
 */
import type { Runtime, Timer } from "@quorate/core";
import { ScriptedRuntime, seededRandom } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
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

/** The world's time, with timers that stand still while the process does. */
class PausableRuntime implements Runtime {
  readonly time: Runtime["time"];
  readonly random: Runtime["random"];
  readonly ids: Runtime["ids"];
  readonly events: Runtime["events"];
  #due: (() => void)[] | undefined;

  constructor(world: ScriptedRuntime, seed: number) {
    const { monotonicMs, wallMs, setTimer } = world.time;
    this.time = {
      monotonicMs,
      wallMs,
      setTimer: (delayMs, callback): Timer => {
        let cancelled = false;
        const fire = (): void => {
          if (cancelled) return;
          if (this.#due === undefined) callback();
          else this.#due.push(fire);
        };
        const timer = setTimer(delayMs, fire);
        return {
          cancel: () => {
            cancelled = true;
            timer.cancel();
          },
        };
      },
    };
    this.random = seededRandom(seed);
    this.ids = new ScriptedRuntime({ seed: 1_000 + seed }).ids;
    this.events = world.events;
  }

  get isPaused(): boolean {
    return this.#due !== undefined;
  }

  pause(): void {
    this.#due ??= [];
  }

  resume(): void {
    const due = this.#due ?? [];
    this.#due = undefined;
    for (const fire of due) fire();
  }
}
