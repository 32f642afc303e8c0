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
  Lifecycle,
  type LeaseStore,
  type MessageBus,
  type Ms,
  nonNegative,
  positive,
  type Runtime,
} from "@quorate/core";
import { MemoryBus } from "./handle/bus.ts";
import { DirectLink, type DirectLinkOptions } from "./handle/direct-link.ts";
import type { MemoryFaults } from "./handle/faults.ts";
import { MemoryKv } from "./handle/kv.ts";
import { leasesOfKv } from "./handle/kv-leases.ts";
import { LeaseWaits } from "./handle/lease-waits.ts";
import { MemoryLeases } from "./handle/leases.ts";
import type { Link } from "./handle/link.ts";
import { MEMORY_CAPABILITIES, Process } from "./handle/process.ts";
import type { Wire } from "./handle/wire.ts";
import { WireLink } from "./handle/wire-link.ts";
import { createMemoryStore, type MemoryStore, Store } from "./store/memory-store.ts";
import type { EngineTwin } from "./twin.ts";

const DEFAULT_GRACE_MS = 1_000;

/** How long leases over kv may take to leave their lines. */
const LEAVE_MS = 200;

const MEMORY: EngineTwin = {
  name: "memory",
  capabilities: MEMORY_CAPABILITIES,
  leases: "native",
  fencedWrites: true,
};

/** Options of `memoryBackend`. */
export interface MemoryBackendOptions extends BackendOptions {
  /** The store to share with other backends. @default one of its own */
  readonly store?: MemoryStore;
  /** Name of this process, for people who read a failing test. @default a random one */
  readonly process?: string;
  /**
   * Who carries messages to the store and back, instead of a call in the same turn. The process
   * then knows of the server only what arrives: it connects by a handshake, takes long silence for
   * death, and connects again. `faults` are the wire's business then, and refuse.
   *
   * @default none: each call runs in the caller's turn
   */
  readonly wire?: Wire;
  /** What to take over of another engine, to stand in for it. @default nothing */
  readonly twin?: EngineTwin;
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
    wire: options.wire,
    twin: options.twin ?? MEMORY,
  });
}

interface EngineOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly namespace: string;
  readonly id: string;
  readonly requestTimeoutMs: Ms;
  readonly wire: Wire | undefined;
  readonly twin: EngineTwin;
}

function linkOf(options: EngineOptions, hooks: Pick<DirectLinkOptions, "greet" | "gone">): Link {
  const { store, runtime, wire, id: process } = options;
  if (wire === undefined) return new DirectLink({ store, runtime, ...hooks });
  return new WireLink({ store, runtime, wire, process, ...hooks });
}

class MemoryEngine implements MemoryBackend {
  readonly name: string;
  readonly kv: KvStore;
  readonly leases: LeaseStore;
  readonly bus: MessageBus;
  readonly runtime: Runtime;
  readonly capabilities: Capabilities;
  readonly store: MemoryStore;
  readonly faults: MemoryFaults;
  readonly #process: Process;
  /** Of a kv below the leases: they leave their lines when the backend has stopped already. */
  readonly #inner: Lifecycle;

  constructor(options: EngineOptions) {
    const { store, runtime, namespace } = options;
    this.name = options.twin.name;
    this.capabilities = options.twin.capabilities;
    const space = store.space(namespace);
    const waits = new LeaseWaits();
    const link = linkOf(options, {
      greet: (session) => space.ring(options.id, waits.bellOn(session)),
      gone: () => space.processGone(options.id),
    });
    link.listeners.add(waits);
    const lifecycle = new Lifecycle("the memory backend", runtime);
    const process = new Process({ ...options, space, link, lifecycle });
    this.#process = process;
    this.#inner = new Lifecycle("the memory backend", runtime);
    this.kv = new MemoryKv(process);
    this.leases =
      options.twin.leases === "native"
        ? new MemoryLeases(process, waits)
        : leasesOfKv(this.#beside(process, options), lifecycle);
    this.bus = new MemoryBus(process);
    this.runtime = runtime;
    this.store = store;
    this.faults = link.faults;
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
      return { ok: true, roundTripMs, server: this.name, warnings: [] };
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      return { ok: false, server: this.name, warnings: [error.message] };
    }
  }

  close(options: CloseOptions = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    return this.#process.lifecycle.close(graceMs, async () => {
      await this.#inner.close(LEAVE_MS, () => {});
      this.#process.link.close();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The same process, in the part of the store that leases over kv have to themselves. */
  #beside(process: Process, options: EngineOptions): Process {
    const space = options.store.space(`${options.namespace}\0leases`);
    // A name of its own: the ledger knows calls by it.
    const id = `${options.id}/leases`;
    return new Process({ ...options, id, space, link: process.link, lifecycle: this.#inner });
  }

  async #ping(signal: AbortSignal | undefined, timeoutMs: Ms | undefined): Promise<void> {
    const { bounds } = this.#process;
    const call = { signal, timeoutMs: timeoutMs ?? bounds.requestTimeoutMs };
    await this.#process.read("health", call, () => undefined);
  }
}
