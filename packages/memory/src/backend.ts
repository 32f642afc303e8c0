/**
 * The memory engine: a backend without a server, for one process, for tests, and for simulation.
 *
 * Each backend is one "process" on a store; several may share one and then contend, watch and talk
 * as processes on one server would, each with fault switches of its own for what happens to its
 * link. It is also the waist's executable specification: where documents are unclear, this is
 * what was meant.
 *
 * Guarantees: everything the waist asks, linearizably, in the injected time. Does not guarantee
 * anything beyond this process: two Node.js processes have two stores and exclude nobody.
 */
import {
  type Backend,
  type BackendOptions,
  type Capabilities,
  checkName,
  type CloseOptions,
  DEFAULT_REQUEST_TIMEOUT_MS,
  type Health,
  invalidArgument,
  isQuorateError,
  type KvStore,
  type LeaseStore,
  type MessageBus,
  type Ms,
  nonNegative,
  positive,
  type Runtime,
} from "@quorate/core";
import type { MemoryFaults } from "./handle/faults.ts";
import { MemoryBus } from "./handle/bus.ts";
import { MemoryKv } from "./handle/kv.ts";
import { LeaseWaits } from "./handle/lease-waits.ts";
import { MemoryLeases } from "./handle/leases.ts";
import { MEMORY_CAPABILITIES, Process } from "./handle/process.ts";
import { createMemoryStore, type MemoryStore, Store } from "./store/memory-store.ts";

const DEFAULT_GRACE_MS = 1_000;

/** Options of `memoryBackend`. */
export interface MemoryBackendOptions extends BackendOptions {
  /** The store to share with other backends. @default one of its own */
  readonly store?: MemoryStore;
  /** Name of this process, for people who read a failing test. @default a random one */
  readonly process?: string;
}

/** A backend in memory, with the switches of its link. */
export interface MemoryBackend extends Backend {
  readonly store: MemoryStore;
  readonly faults: MemoryFaults;
}

/**
 * A backend in memory.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * const backend = memoryBackend();
 * await backend.kv.put("greetings/1", "hello");
 * await backend.close();
 */
export function memoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  const { runtime, namespace = "quorate", process, requestTimeoutMs } = options;
  const store = options.store ?? createMemoryStore(runtime === undefined ? {} : { runtime });
  if (!(store instanceof Store)) {
    throw invalidArgument("store", store, "a store made by createMemoryStore");
  }
  checkName("namespace", namespace);
  const own = runtime ?? store.runtime;
  const label = process === undefined ? "" : `${checkName("process", process)}:`;
  return new MemoryEngine({
    store,
    runtime: own,
    namespace,
    // Unique even where two backends are given one name.
    id: label + own.ids.operation(),
    requestTimeoutMs: positive("requestTimeoutMs", requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS),
  });
}

interface EngineOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly namespace: string;
  readonly id: string;
  readonly requestTimeoutMs: Ms;
}

class MemoryEngine implements MemoryBackend {
  readonly name = "memory";
  readonly kv: KvStore;
  readonly leases: LeaseStore;
  readonly bus: MessageBus;
  readonly runtime: Runtime;
  readonly capabilities: Capabilities = MEMORY_CAPABILITIES;
  readonly store: MemoryStore;
  readonly faults: MemoryFaults;
  readonly #process: Process;
  readonly #leaveSpace: () => void;

  constructor(options: EngineOptions) {
    const { store, runtime, namespace } = options;
    const process = new Process({ ...options, space: store.space(namespace) });
    const waits = new LeaseWaits(process);
    this.#process = process;
    this.#leaveSpace = process.space.join(process.id, waits);
    process.link.listeners.add(waits);
    this.kv = new MemoryKv(process);
    this.leases = new MemoryLeases(process, waits);
    this.bus = new MemoryBus(process);
    this.runtime = runtime;
    this.store = store;
    this.faults = process.link;
  }

  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#process.lifecycle.assertOpen();
    options.signal?.throwIfAborted();
    await this.#ping(options.signal, undefined);
  }

  async health(
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: Ms } = {},
  ): Promise<Health> {
    const { time } = this.runtime;
    const sentMs = time.monotonicMs();
    try {
      this.#process.lifecycle.assertOpen();
      await this.#ping(options.signal, options.timeoutMs);
      const roundTripMs = time.monotonicMs() - sentMs;
      return { ok: true, roundTripMs, server: "memory", warnings: [] };
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      return { ok: false, server: "memory", warnings: [error.message] };
    }
  }

  close(options: CloseOptions = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    return this.#process.lifecycle.close(graceMs, () => {
      this.#leaveSpace();
      this.#process.link.close();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ping(signal: AbortSignal | undefined, timeoutMs: Ms | undefined): Promise<void> {
    const { bounds } = this.#process;
    const call = { signal, timeoutMs: timeoutMs ?? bounds.requestTimeoutMs };
    return this.#process.read("health", call, () => undefined);
  }
}
