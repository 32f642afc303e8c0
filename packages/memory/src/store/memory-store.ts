/**
 * A store in memory: the "server" that several backends of one process share.
 *
 * Its switches do what happens to servers: it stands still, dies, comes back empty, is flushed,
 * has its clock set. In production there is one store and nobody touches them; in tests and in the
 * simulator they are how the world misbehaves.
 *
 * Guarantees: linearizable, since each step runs to its end; while it stands still nothing falls
 * due, and what was sent meanwhile runs in order when it goes on. Does not guarantee durability:
 * it dies with the process, and `restart` forgets.
 */
import { type Runtime, systemRuntime } from "@quorate/core";
import { Ledger } from "./ledger.ts";
import { StoreClock } from "./now.ts";
import { Space, type SpaceHost } from "./space.ts";

/** Requests that a standing server takes before it refuses more. */
const MAX_BACKLOG = 100_000;

/** Options of `createMemoryStore`. */
export interface MemoryStoreOptions {
  /** The server's own time, chance and timers. @default systemRuntime */
  readonly runtime?: Runtime;
}

/** Sizes of what a store keeps, over all namespaces. For leak checks. */
export interface MemoryStoreStats {
  readonly keys: number;
  /** Names held, waited for, or freed within the last moments. */
  readonly leases: number;
  /** Watches and bus subscriptions. */
  readonly subscriptions: number;
  /** Backends that are open. */
  readonly processes: number;
}

/** A shared store, and its switches. */
export interface MemoryStore {
  readonly stats: MemoryStoreStats;
  /** Forgets all keys, leases and tokens, as FLUSHALL does. Watches end them as `unknown`. */
  flush(): void;
  /** The server stands still: requests pile up, and are answered after `thaw`. */
  freeze(): void;
  thaw(): void;
  /** The server dies: connections break, new ones fail, data is gone. */
  stop(): void;
  /** The server is back, empty. */
  start(): void;
  /** `stop` and `start`. */
  restart(): void;
  /** Sets the server's wall clock; negative: back. Leases count on another clock. */
  stepClock(ms: number): void;
}

/** What a store tells the connections to it. */
export interface Connection {
  /** Nothing comes from the server any more, and nobody says so. */
  serverFrozen(): void;
  serverThawed(): void;
  serverStopped(): void;
  serverStarted(): void;
}

type ServerState =
  | { readonly kind: "running" }
  | { readonly kind: "frozen"; readonly backlog: (() => void)[] }
  | { readonly kind: "stopped" };

/** The store as backends see it. */
export class Store implements MemoryStore, SpaceHost {
  readonly runtime: Runtime;
  readonly clock: StoreClock;
  readonly ledger: Ledger = new Ledger();
  readonly #spaces = new Map<string, Space>();
  readonly #connections = new Set<Connection>();
  #state: ServerState = { kind: "running" };

  constructor(options: MemoryStoreOptions = {}) {
    this.runtime = options.runtime ?? systemRuntime;
    this.clock = new StoreClock(this.runtime);
  }

  get isRunning(): boolean {
    return this.#state.kind === "running";
  }

  get isStopped(): boolean {
    return this.#state.kind === "stopped";
  }

  get stats(): MemoryStoreStats {
    const sum = { keys: 0, leases: 0, subscriptions: 0, processes: this.#connections.size };
    for (const { sizes } of this.#spaces.values()) {
      sum.keys += sizes.keys;
      sum.leases += sizes.leases;
      sum.subscriptions += sizes.subscriptions;
    }
    return sum;
  }

  /** The namespace called `name`; nothing is shared between two of them. */
  space(name: string): Space {
    const space = this.#spaces.get(name) ?? new Space(this);
    this.#spaces.set(name, space);
    return space;
  }

  connect(connection: Connection): void {
    this.#connections.add(connection);
  }

  disconnect(connection: Connection): void {
    this.#connections.delete(connection);
  }

  /** Runs a request: now, or when a standing server goes on. False: it was not taken. */
  submit(request: () => void): boolean {
    if (this.#state.kind === "stopped") return false;
    if (this.#state.kind === "running") request();
    else if (this.#state.backlog.length < MAX_BACKLOG) this.#state.backlog.push(request);
    else return false;
    return true;
  }

  flush(): void {
    for (const space of this.#spaces.values()) space.forget();
  }

  freeze(): void {
    if (this.#state.kind !== "running") return;
    this.#state = { kind: "frozen", backlog: [] };
    for (const connection of this.#connections) connection.serverFrozen();
  }

  thaw(): void {
    if (this.#state.kind !== "frozen") return;
    const { backlog } = this.#state;
    this.#state = { kind: "running" };
    for (const space of this.#spaces.values()) space.catchUp();
    for (const request of backlog) request();
    for (const connection of this.#connections) connection.serverThawed();
  }

  stop(): void {
    if (this.#state.kind === "stopped") return;
    // What stood in the backlog dies with the server.
    this.#state = { kind: "stopped" };
    this.flush();
    this.ledger.clear(this.clock.now().ms);
    for (const connection of [...this.#connections]) connection.serverStopped();
  }

  start(): void {
    if (this.#state.kind !== "stopped") return;
    this.#state = { kind: "running" };
    for (const connection of [...this.#connections]) connection.serverStarted();
  }

  restart(): void {
    this.stop();
    this.start();
  }

  stepClock(ms: number): void {
    this.clock.step(ms);
  }
}

/**
 * A store that several backends may share, each as a process of its own.
 *
 * @example
 * import { createMemoryStore, memoryBackend } from "@quorate/memory";
 * const store = createMemoryStore();
 * const one = memoryBackend({ store, process: "one" });
 * const two = memoryBackend({ store, process: "two" });
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new Store(options);
}
