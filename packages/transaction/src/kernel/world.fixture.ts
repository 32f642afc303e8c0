/**
 * Processes on one store in memory, in scripted time: each may be paused or die by itself, and each
 * counts its calls of the store, of which any may be made to fail.
 */
import { type Backend, type KvStore, QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
import { PausableRuntime } from "../../../../test/support/pausable-runtime.ts";
import { type Outcome, outcomeOf } from "../../../../test/support/scripted-outcome.ts";

/**
 * What becomes of one call of the store: it never leaves, its answer never comes, it is in doubt
 * and does not land, or the process dies before it or after it.
 */
export type Mishap = "none" | "unanswered" | "unknown" | "dies-before" | "dies-after";

/** The calls of one process. */
export interface Calls {
  /** `put sagas/order-1`, `get …`, in order. */
  readonly made: string[];
  /** What happens to the call of this number, from 0; `undefined`: nothing. */
  fate: (index: number, name: string) => Mishap | undefined;
}

/** One process. */
export interface TestProcess {
  readonly backend: Backend;
  readonly memory: MemoryBackend;
  readonly calls: Calls;
  pause(): void;
  resume(): void;
  /** SIGKILL: nothing of it runs or is heard of any more. */
  kill(): void;
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
  process(): TestProcess {
    this.#processes += 1;
    const pausable = new PausableRuntime(this.runtime, this.#processes);
    const { store } = this;
    const memory = memoryBackend({ store, runtime: pausable, requestTimeoutMs: 500 });
    const calls: Calls = { made: [], fate: () => undefined };
    const pause = (): void => {
      pausable.pause();
      memory.faults.pauseReplies();
    };
    const { name, leases, bus, capabilities } = memory;
    const kv = intercepted(memory.kv, calls, pause);
    const backend: Backend = {
      ...{ name, leases, bus, capabilities, runtime: pausable, kv },
      ready: () => memory.ready(),
      health: () => memory.health(),
      close: () => memory.close(),
      [Symbol.asyncDispose]: () => memory.close(),
    };
    const resume = (): void => {
      // Node's order after a stall: first the timers that are due, then what has been received.
      pausable.resume();
      memory.faults.resumeReplies();
    };
    return { backend, memory, calls, pause, resume, kill: pause };
  }

  /** Lets promises settle without time passing. */
  settle(): Promise<void> {
    return this.runtime.advance(0);
  }

  /** Advances until `promise` has settled, at most `maxMs`; its value, or what it threw. */
  outcome<T>(promise: Promise<T>, maxMs = 120_000, stepMs = 100): Promise<Outcome<T>> {
    return outcomeOf(this.runtime, promise, { maxMs, stepMs });
  }

  /** Advances until `condition` holds, at most `maxMs`; how long it took. */
  async until(condition: () => boolean, maxMs = 60_000, stepMs = 100): Promise<number> {
    let spentMs = 0;
    await this.runtime.advance(0);
    while (!condition() && spentMs < maxMs) {
      spentMs += stepMs;
      await this.runtime.advance(stepMs);
    }
    return condition() ? spentMs : Infinity;
  }

  /** `ms` of work. */
  work(ms: number): Promise<void> {
    return new Promise((resolve) => void this.runtime.time.setTimer(ms, resolve));
  }

  /** Events of this name so far. */
  events(name: string): readonly object[] {
    return this.runtime.recorded.filter((one) => one.name === name).map(({ event }) => event);
  }
}

function intercepted(kv: KvStore, calls: Calls, die: () => void): KvStore {
  const through = async <T>(name: string, key: string, call: () => Promise<T>): Promise<T> => {
    const what = `${name} ${key}`;
    const fate = calls.fate(calls.made.length, what);
    calls.made.push(what);
    const silence = (): Promise<T> => new Promise<T>(() => {});
    if (fate === "dies-before") {
      die();
      return silence();
    }
    if (fate === "none") {
      const details = { operation: name };
      throw new QuorateError("STORE_UNAVAILABLE", "scripted", { effect: "none", details });
    }
    if (fate !== "unknown") {
      const answer = await call();
      if (fate === undefined) return answer;
    }
    if (fate === "dies-after") {
      die();
      return silence();
    }
    throw new QuorateError("OUTCOME_UNKNOWN", "scripted", {
      effect: "unknown",
      details: { operation: name },
    });
  };
  return {
    get: (key, options) => through("get", key, () => kv.get(key, options)),
    put: (key, value, options) => through("put", key, () => kv.put(key, value, options)),
    delete: (key, options) => through("delete", key, () => kv.delete(key, options)),
    list: (collection, options) => kv.list(collection, options),
    watch: (target, options) => kv.watch(target, options),
  };
}
