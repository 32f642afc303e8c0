/**
 * Processes on one store in memory, in scripted time: each has a wall clock of its own, may be
 * paused or killed, and counts its calls of the store, of which any may be made to fail.
 */
import { type Backend, type KvStore, QuorateError, type Runtime } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
import { PausableRuntime } from "../../../test/support/pausable-runtime.ts";
import type { Cron } from "./cron.ts";
import { createCron } from "./engine.ts";
import type { CronOptions } from "./options.ts";

/** What becomes of one call: it never leaves, or it is done and its answer never comes. */
export type Mishap = "none" | "unknown";

/** The calls of one process. */
export interface Calls {
  /** `put`, `get`, in order. */
  readonly made: string[];
  /** What happens to the call of this number, from 0; `undefined`: nothing. */
  fate: (index: number, name: string) => Mishap | undefined;
}

/** One process. */
export interface TestProcess {
  readonly backend: MemoryBackend;
  readonly cron: Cron;
  readonly runtime: Runtime;
  readonly calls: Calls;
  pause(): void;
  resume(): void;
  /** Nothing of it is heard of again. */
  kill(): void;
  /** `ms` of work by this process: it stands still while that is paused. */
  work(ms: number): Promise<void>;
}

/** Options of a process. */
export interface TestProcessOptions extends CronOptions {
  /** By how much its wall clock is ahead of the world's. @default 0 */
  readonly skewMs?: number;
  /** Nobody hears its messages. @default false */
  readonly isMute?: boolean;
}

/** A store and its time. */
export class World {
  readonly runtime: ScriptedRuntime;
  readonly store: MemoryStore;
  #processes = 0;

  constructor(options: { readonly seed?: number; readonly wallMs?: number } = {}) {
    this.runtime = new ScriptedRuntime({ seed: 1, ...options });
    this.store = createMemoryStore({ runtime: this.runtime });
  }

  /** Starts a process. Leases of 3 s unless told otherwise. */
  process({ skewMs = 0, isMute = false, ...options }: TestProcessOptions = {}): TestProcess {
    this.#processes += 1;
    const pausable = new PausableRuntime(this.runtime, this.#processes);
    const { time, random, ids, events } = pausable;
    const wallMs = (): number => time.wallMs() + skewMs;
    const runtime = { time: { ...time, wallMs }, random, ids, events };
    const { store } = this;
    const backend = memoryBackend({ store, runtime, requestTimeoutMs: 500 });
    const calls: Calls = { made: [], fate: () => undefined };
    const { name, leases, capabilities } = backend;
    const bus = isMute ? mute(backend.bus) : backend.bus;
    const counted: Backend = {
      ...{ name, leases, bus, capabilities, runtime, kv: intercepted(backend.kv, calls) },
      ready: () => backend.ready(),
      health: () => backend.health(),
      close: () => backend.close(),
      [Symbol.asyncDispose]: () => backend.close(),
    };
    const label = `p${this.#processes}`;
    const pause = (): void => {
      pausable.pause();
      backend.faults.pauseReplies();
    };
    return {
      backend,
      cron: createCron(counted, { name: label, leaseMs: 3_000, ...options }),
      runtime,
      calls,
      pause,
      resume: () => {
        // Node's order after a stall: first the timers that are due, then what was received.
        pausable.resume();
        backend.faults.resumeReplies();
      },
      kill: () => {
        pause();
        backend.faults.cut();
      },
      work: (ms) => new Promise((resolve) => void time.setTimer(ms, resolve)),
    };
  }

  /** Lets promises settle without time passing. */
  settle(): Promise<void> {
    return this.runtime.advance(0);
  }

  /** Advances until `promise` has settled. */
  async outcome<T>(promise: Promise<T>, maxMs = 60_000): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    promise.then(over, over);
    for (let spentMs = 0; spentMs <= maxMs && !isOver; spentMs += 50) {
      await this.runtime.advance(spentMs === 0 ? 0 : 50);
    }
    if (!isOver) throw new Error(`not settled within ${maxMs} ms`);
    return promise;
  }

  /** `ms` of work. */
  work(ms: number): Promise<void> {
    return new Promise((resolve) => void this.runtime.time.setTimer(ms, resolve));
  }

  /** Events of this name so far. */
  events(name: string): readonly Readonly<Record<string, unknown>>[] {
    return this.runtime.recorded
      .filter((one) => one.name === `cron.${name}`)
      .map(({ event }) => event as Record<string, unknown>);
  }
}

function mute(bus: Backend["bus"]): Backend["bus"] {
  return {
    publish: () => Promise.reject(new Error("scripted: the link is down")),
    subscribe: (target, handler, options) => bus.subscribe(target, handler, options),
    request: (subject, data, options) => bus.request(subject, data, options),
  };
}

function intercepted(kv: KvStore, calls: Calls): KvStore {
  const through = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    const fate = calls.fate(calls.made.length, name);
    calls.made.push(name);
    const details = { operation: name };
    if (fate === "none") {
      throw new QuorateError("STORE_UNAVAILABLE", "scripted", { effect: "none", details });
    }
    const answer = await call();
    if (fate === undefined) return answer;
    throw new QuorateError("OUTCOME_UNKNOWN", "scripted", { effect: "unknown", details });
  };
  return {
    get: (key, options) => through("get", () => kv.get(key, options)),
    put: (key, value, options) => through("put", () => kv.put(key, value, options)),
    delete: (key, options) => through("delete", () => kv.delete(key, options)),
    list: (collection, options) => kv.list(collection, options),
    watch: (target, options) => kv.watch(target, options),
  };
}
