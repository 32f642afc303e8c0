/**
 * Processes on one store in memory, in scripted time: each may be paused by itself, and each counts
 * its calls of the store, of which any may be made to fail.
 */
import { type Backend, type KvStore, QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
import { PausableRuntime } from "../../../test/support/pausable-runtime.ts";
import { type Outcome, outcomeOf } from "../../../test/support/scripted-outcome.ts";
import { createIdempotency } from "./engine.ts";
import type { Idempotency } from "./idempotency.ts";
import type { IdempotencyOptions } from "./options.ts";

/**
 * What becomes of one call of the store: it never leaves, its answer never comes, or what was in
 * the way of a put has gone by the time that the store looks at it.
 */
export type Mishap = "none" | "unanswered" | "gone";

/** The calls of one process. */
export interface Calls {
  /** `put`, `get`, `delete`, in order. */
  readonly made: string[];
  /** What happens to the call of this number, from 0; `undefined`: nothing. */
  fate: (index: number, name: string) => Mishap | undefined;
}

/** One process. */
export interface TestProcess {
  readonly backend: MemoryBackend;
  readonly idempotency: Idempotency;
  readonly calls: Calls;
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

  /** Starts a process. Leases of 3 s unless told otherwise. */
  process(options: IdempotencyOptions = {}): TestProcess {
    this.#processes += 1;
    const pausable = new PausableRuntime(this.runtime, this.#processes);
    const { store } = this;
    const backend = memoryBackend({ store, runtime: pausable, requestTimeoutMs: 500 });
    const calls: Calls = { made: [], fate: () => undefined };
    const { name, leases, bus, capabilities } = backend;
    const counted: Backend = {
      ...{ name, leases, bus, capabilities, runtime: pausable, kv: intercepted(backend.kv, calls) },
      ready: () => backend.ready(),
      health: () => backend.health(),
      close: () => backend.close(),
      [Symbol.asyncDispose]: () => backend.close(),
    };
    const idempotency = createIdempotency(counted, { leaseMs: 3_000, ...options });
    return {
      backend,
      idempotency,
      calls,
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

  /** Advances until `promise` has settled, at most `maxMs`; its value, or what it threw. */
  outcome<T>(promise: Promise<T>, maxMs = 120_000): Promise<Outcome<T>> {
    return outcomeOf(this.runtime, promise, { maxMs, stepMs: 50 });
  }

  /** `ms` of work. */
  work(ms: number): Promise<void> {
    return new Promise((resolve) => void this.runtime.time.setTimer(ms, resolve));
  }

  /** Events of this name so far. */
  events(name: string): readonly object[] {
    return this.runtime.recorded
      .filter((one) => one.name === `idempotency.${name}`)
      .map(({ event }) => event);
  }
}

function intercepted(kv: KvStore, calls: Calls): KvStore {
  const through = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    const fate = calls.fate(calls.made.length, name);
    calls.made.push(name);
    if (fate === "none") {
      throw new QuorateError("STORE_UNAVAILABLE", "scripted", {
        effect: "none",
        details: { operation: name },
      });
    }
    if (fate === "gone") return { ok: false, current: undefined } as T;
    const answer = await call();
    if (fate === undefined) return answer;
    throw new QuorateError("OUTCOME_UNKNOWN", "scripted", {
      effect: "unknown",
      details: { operation: name },
      resolve: async () => "applied",
    });
  };
  return {
    get: (key, options) => through("get", () => kv.get(key, options)),
    put: (key, value, options) => through("put", () => kv.put(key, value, options)),
    delete: (key, options) => through("delete", () => kv.delete(key, options)),
    list: (collection, options) => kv.list(collection, options),
    watch: (target, options) => kv.watch(target, options),
  };
}
