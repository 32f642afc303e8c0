/**
 * A store in memory: the "server" that several backends of one process share.
 *
 * Its switches do what happens to servers: it stands still, dies, comes back empty or with its
 * data, forgets its last moments, loses its leader, fills its disk, is flushed, has its clock set.
 * In production there is one store and nobody touches them; in tests and in the simulator they are
 * how the world misbehaves.
 *
 * Guarantees: linearizable, since each step runs to its end; while it stands still nothing falls
 * due, and what was sent meanwhile runs in order when it goes on. Does not guarantee durability:
 * it dies with the process, and `restart` forgets unless it is told to keep.
 */
import { invalidArgument, nonNegative, positive, positiveInteger } from "@quorate/core";
import { type Ms, type Runtime, systemRuntime } from "@quorate/core";
import { Journal } from "./journal.ts";
import { Ledger } from "./ledger.ts";
import { StoreClock, type TtlClock } from "./now.ts";
import type { Connection, SessionHost, WireSession } from "./session.ts";
import { Space, type SpaceHost } from "./space.ts";
import { DISK_FULL, Leaderless, type Trouble } from "./trouble.ts";

/** Requests that a standing server takes before it refuses more. */
const MAX_BACKLOG = 100_000;

const DEFAULT_UNDO_ENTRIES = 100_000;

/** Options of `createMemoryStore`. */
export interface MemoryStoreOptions {
  /** The server's own time, chance and timers. @default systemRuntime */
  readonly runtime?: Runtime;
  /** What leases and retention count on; on Redis the wall clock. @default "monotonic" */
  readonly ttlClock?: TtlClock;
  /**
   * How far back `forgetMs` may reach. Every change is then kept with its undoing for so long.
   *
   * @default 0: nothing is kept, and nothing can be forgotten
   */
  readonly undoMs?: Ms;
  /** Changes kept at most; where there were more, less is forgotten. @default 100000 */
  readonly undoEntries?: number;
}

/** Sizes of what a store keeps, over all namespaces. For leak checks. */
export interface MemoryStoreStats {
  readonly keys: number;
  /** Names held, waited for, or freed within the last moments. */
  readonly leases: number;
  /** Watches and bus subscriptions. */
  readonly subscriptions: number;
  /** Backends that are open; over wires, those that are connected. */
  readonly processes: number;
}

/** What becomes of the data when the server dies. */
export interface DataFate {
  /** It was on disk: keys, leases and lines are there again after `start`. @default false */
  readonly keepData?: boolean;
  /**
   * The last milliseconds of it were not on disk yet, although they were acknowledged. At most
   * `undoMs` of the store; a flush is not undone. @default 0
   */
  readonly forgetMs?: Ms;
}

/** A shared store, and its switches. */
export interface MemoryStore {
  readonly stats: MemoryStoreStats;
  /** Forgets all keys, leases and tokens, as FLUSHALL does. Watches end them as `unknown`. */
  flush(): void;
  /** The server stands still: requests pile up, and are answered after `thaw`. */
  freeze(): void;
  /** The server goes on, with what has piled up first. */
  thaw(): void;
  /** The server dies: connections break, new ones fail, data is gone unless told otherwise. */
  stop(fate?: DataFate): void;
  /** The server is back. */
  start(): void;
  /** `stop` and `start`. */
  restart(fate?: DataFate): void;
  /**
   * A replica takes over that lacks the last `forgetMs` of acknowledged writes, at most `undoMs`.
   * Connections break. How many changes were forgotten.
   */
  failover(options?: { readonly forgetMs?: Ms }): number;
  /**
   * The disk is full: writes and renewals are refused with `STORE_REFUSED`, effect `none`; reads
   * and the bus go on, and leases expire.
   */
  readOnly(on: boolean): void;
  /**
   * A cluster without a leader: of questions on data some are refused with `STORE_UNAVAILABLE`,
   * some never answered, and of those some are applied when there is a leader again. The bus goes
   * on.
   */
  loseLeader(): void;
  /** There is a leader again: what waits is done. */
  electLeader(): void;
  /** Sets the server's wall clock; negative: back. Leases count on it if `ttlClock` says so. */
  stepClock(ms: number): void;
}

type ServerState =
  | { readonly kind: "running" }
  | { readonly kind: "frozen"; readonly backlog: (() => void)[] }
  | { readonly kind: "stopped" };

/** The store as backends see it. */
export class Store implements MemoryStore, SpaceHost, SessionHost {
  readonly runtime: Runtime;
  readonly clock: StoreClock;
  readonly journal: Journal | undefined;
  readonly ledger: Ledger = new Ledger();
  /** Wired sessions by process; a later one supersedes an earlier one. */
  readonly sessions: Map<string, WireSession> = new Map<string, WireSession>();
  readonly #undoMs: number;
  readonly #spaces = new Map<string, Space>();
  readonly #connections = new Set<Connection>();
  #state: ServerState = { kind: "running" };
  #trouble: Trouble | undefined;

  constructor(options: MemoryStoreOptions = {}) {
    const { ttlClock = "monotonic", undoMs = 0, undoEntries = DEFAULT_UNDO_ENTRIES } = options;
    if (ttlClock !== "monotonic" && ttlClock !== "wall") {
      throw invalidArgument("ttlClock", ttlClock, '"monotonic" or "wall"');
    }
    this.runtime = options.runtime ?? systemRuntime;
    this.clock = new StoreClock(this.runtime, ttlClock);
    this.#undoMs = undoMs === 0 ? 0 : positive("undoMs", undoMs);
    const bounds = { withinMs: undoMs, maxEntries: positiveInteger("undoEntries", undoEntries) };
    this.journal = undoMs === 0 ? undefined : new Journal(bounds, () => this.clock.steadyMs());
  }

  get isRunning(): boolean {
    return this.#state.kind === "running";
  }

  get isStopped(): boolean {
    return this.#state.kind === "stopped";
  }

  get isAttended(): boolean {
    return this.#connections.size > 0;
  }

  /** It runs, and answers every question. */
  get isWell(): boolean {
    return this.#state.kind === "running" && this.#trouble === undefined;
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
    const isFirst = !this.isAttended;
    this.#connections.add(connection);
    if (isFirst && this.isRunning) this.#catchUp();
  }

  disconnect(connection: Connection): void {
    this.#connections.delete(connection);
    if (!this.isAttended) for (const space of this.#spaces.values()) space.rest();
  }

  /** Runs a request: now, or when a standing server goes on. False: it was not taken. */
  submit(request: () => void): boolean {
    if (this.#state.kind === "stopped") return false;
    if (this.#state.kind === "running") request();
    else if (this.#state.backlog.length < MAX_BACKLOG) this.#state.backlog.push(request);
    else return false;
    return true;
  }

  /** Answers a question on data, as far as the server's trouble lets it. */
  serve<T>(kind: "read" | "write", operation: string, run: () => T): T {
    return this.#trouble === undefined ? run() : this.#trouble.serve(kind, operation, run);
  }

  flush(): void {
    for (const space of this.#spaces.values()) space.forget();
    this.journal?.clear();
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
    this.#catchUp();
    for (const request of backlog) request();
    for (const connection of [...this.#connections]) connection.serverThawed();
  }

  stop(fate: DataFate = {}): void {
    const forgetMs = this.#checkForgetMs(fate.forgetMs);
    if (this.#state.kind === "stopped") return;
    this.#end();
    if (fate.keepData === true) return void this.#rollBack(forgetMs);
    this.flush();
    this.ledger.clear(this.clock.steadyMs());
  }

  start(): void {
    if (this.#state.kind !== "stopped") return;
    this.clock.start();
    this.#state = { kind: "running" };
    this.#catchUp();
    for (const connection of [...this.#connections]) connection.serverStarted();
  }

  restart(fate: DataFate = {}): void {
    this.stop(fate);
    this.start();
  }

  failover(options: { readonly forgetMs?: Ms } = {}): number {
    const forgetMs = this.#checkForgetMs(options.forgetMs);
    if (this.#state.kind !== "stopped") this.#end();
    const forgotten = this.#rollBack(forgetMs);
    this.start();
    return forgotten;
  }

  readOnly(on: boolean): void {
    this.electLeader();
    this.#trouble = on ? DISK_FULL : undefined;
  }

  loseLeader(): void {
    if (!(this.#trouble instanceof Leaderless)) this.#trouble = new Leaderless(this.runtime.random);
  }

  electLeader(): void {
    const trouble = this.#trouble;
    if (!(trouble instanceof Leaderless)) return;
    this.#trouble = undefined;
    if (this.#state.kind === "running") trouble.end();
  }

  stepClock(ms: number): void {
    this.clock.step(ms);
    if (this.isRunning) this.#catchUp();
  }

  /** What stood in the backlog dies with the server, and so does every connection. */
  #end(): void {
    this.#state = { kind: "stopped" };
    this.clock.stop();
    for (const connection of [...this.#connections]) connection.serverStopped();
  }

  #catchUp(): void {
    for (const space of this.#spaces.values()) space.catchUp();
  }

  #rollBack(forgetMs: Ms): number {
    if (forgetMs === 0 || this.journal === undefined) return 0;
    const sinceMs = this.clock.steadyMs() - forgetMs;
    this.ledger.rollBack(sinceMs);
    return this.journal.rollBack(sinceMs);
  }

  #checkForgetMs(forgetMs: Ms = 0): Ms {
    nonNegative("forgetMs", forgetMs);
    if (forgetMs <= this.#undoMs) return forgetMs;
    throw invalidArgument("forgetMs", forgetMs, `at most the store's undoMs, ${this.#undoMs}`);
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
