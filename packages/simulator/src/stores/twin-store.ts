/**
 * A twin's server by itself: an engine's semantics in memory, on whatever runtime it is given.
 *
 * In the simulator it runs on a node's; on the system's it is a test double in real time, which is
 * how it is held against the real servers.
 */
import type { Backend, Ms, Runtime } from "@quorate/core";
import {
  createMemoryStore,
  memoryBackend,
  type MemoryBackendOptions,
  type MemoryStore,
} from "@quorate/memory";
import { type EngineName, type EngineTraits, type Replication, traitsOf } from "./engines.ts";

/** What a twin is. */
export interface TwinStoreOptions {
  readonly engine: EngineName;
  /** @default "single" */
  readonly replication?: Replication;
  /** The server's own time and chance. @default systemRuntime */
  readonly runtime?: Runtime;
  /** How far back `forgetMs` of the server's switches may reach. @default 0 */
  readonly undoMs?: Ms;
}

/** A twin's server, and the way to connect to it. */
export class TwinStore {
  /** The data, and the switches of the engine below. */
  readonly server: MemoryStore;
  readonly traits: EngineTraits;

  constructor(options: TwinStoreOptions) {
    const { engine, replication = "single", undoMs = 0, runtime } = options;
    this.traits = traitsOf(engine, replication);
    const { ttlClock } = this.traits;
    const own = runtime === undefined ? {} : { runtime };
    this.server = createMemoryStore({ ...own, ttlClock, undoMs });
  }

  /** A process's backend, as that engine's adapter would give it. */
  backend(options: Omit<MemoryBackendOptions, "store" | "twin"> = {}): Backend {
    return memoryBackend({ ...options, store: this.server, twin: this.traits.twin });
  }
}
