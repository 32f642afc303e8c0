/**
 * Processes on one store in memory, in scripted time; each counts its calls of the kv, of which any
 * may be made to fail.
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
import type { OutboxMessage } from "./message.ts";
import { createRelay, type Relay, type RelayOptions } from "./relay.ts";
import type { DeliveryContext, Publish } from "./target.ts";

/** What becomes of a call: it never leaves, or it is applied and its answer never comes. */
export type Mishap = "none" | "unanswered";

/** One process. */
export interface TestProcess {
  readonly backend: Backend;
  readonly memory: MemoryBackend;
  /** `put`, `get`, `delete`, in order. */
  readonly made: string[];
  /** What happens to the call of this number, from 0. */
  fate: (index: number, name: string) => Mishap | undefined;
  pause(): void;
  resume(): void;
}

/** A delivery, as the target saw it. */
export interface Delivery extends OutboxMessage {
  readonly by: DeliveryContext;
}

/** A store and its time. */
export class World {
  readonly runtime: ScriptedRuntime;
  readonly store: MemoryStore;
  /** In order. */
  readonly deliveries: Delivery[] = [];
  #processes = 0;

  constructor(seed = 1) {
    this.runtime = new ScriptedRuntime({ seed });
    this.store = createMemoryStore({ runtime: this.runtime });
  }

  /** Starts a process. */
  process(): TestProcess {
    this.#processes += 1;
    const runtime = new PausableRuntime(this.runtime, this.#processes);
    const memory = memoryBackend({ store: this.store, runtime, requestTimeoutMs: 500 });
    const { name, leases, bus, capabilities } = memory;
    const process: TestProcess = {
      memory,
      made: [],
      fate: () => undefined,
      backend: {
        ...{ name, leases, bus, capabilities, runtime },
        kv: intercepted(memory.kv, () => process),
        ready: () => memory.ready(),
        health: () => memory.health(),
        close: () => memory.close(),
        [Symbol.asyncDispose]: () => memory.close(),
      },
      pause: () => {
        runtime.pause();
        memory.faults.pauseReplies();
      },
      resume: () => {
        runtime.resume();
        memory.faults.resumeReplies();
      },
    };
    return process;
  }

  /** A relay that notes what it delivers, after `answer` has let it. Leases of 3 s. */
  relay(
    process: TestProcess,
    options: Omit<RelayOptions, "to"> & Partial<Pick<RelayOptions, "to">>,
    answer: Publish = async () => {},
  ): Relay {
    const to: Publish = async (message, by) => {
      await answer(message, by);
      this.deliveries.push({ ...message, by });
    };
    return createRelay(process.backend, { ttlMs: 3_000, to, ...options });
  }

  /** Payloads of what was delivered, in order. */
  get payloads(): unknown[] {
    return this.deliveries.map(({ payload }) => payload);
  }

  /** Time passes. */
  pass(ms: number): Promise<void> {
    return this.runtime.advance(ms);
  }

  /** Time passes until `promise` has settled, at most two minutes. */
  async outcome<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => void (isSettled = true);
    promise.then(settle, settle);
    for (let spentMs = 0; spentMs < 120_000 && !isSettled; spentMs += 50) {
      await this.runtime.advance(spentMs === 0 ? 0 : 50);
    }
    if (!isSettled) throw new Error("still pending after two minutes");
    return promise;
  }

  /** Events of this name so far. */
  events(name: string): readonly object[] {
    return this.runtime.recorded
      .filter((one) => one.name === `outbox.${name}`)
      .map(({ event }) => event);
  }
}

/** All that an iteration gives. */
export async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of iterable) list.push(one);
  return list;
}

function intercepted(kv: KvStore, process: () => TestProcess): KvStore {
  const through = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    const { made } = process();
    const fate = process().fate(made.length, name);
    made.push(name);
    const details = { operation: name };
    if (fate === "none") {
      throw new QuorateError("STORE_UNAVAILABLE", "scripted", { effect: "none", details });
    }
    const answer = await call();
    if (fate === undefined) return answer;
    if (name === "get") {
      throw new QuorateError("TIMEOUT", "scripted", {
        effect: "none",
        details: { ...details, timeoutMs: 500 },
      });
    }
    const ok = (answer as { readonly ok: boolean }).ok;
    throw new QuorateError("OUTCOME_UNKNOWN", "scripted", {
      effect: "unknown",
      details,
      resolve: async () => (ok ? "applied" : "unknown"),
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
