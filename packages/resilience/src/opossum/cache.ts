/**
 * Caches of the facade: of values (`cache`) and of calls under way (`coalesce`).
 *
 * A cache is the caller's, or ours in memory with a bound. One that throws is a cache that misses:
 * a call is never lost to it.
 */
import { type Ms, type Runtime, positiveInteger } from "@quorate/core";

import { reportFailure } from "../emitter.ts";

/** Where cached results are kept. */
export interface CacheTransport {
  /** What was set; undefined or null: nothing, or no longer. */
  get(key: string): unknown;
  /** Keeps a promise of a result. `ttl`: epoch ms at which it expires; 0: never. */
  set(key: string, value: unknown, ttl: number): void;
  /** Forgets all. */
  flush(): void;
}

const MOST_ENTRIES = 2 ** 24 - 1;

/** In memory; the oldest entry goes first when it is full. */
export class MemoryCache implements CacheTransport {
  readonly #entries = new Map<string, { readonly value: unknown; readonly expiresAtMs: Ms }>();
  readonly #maxEntries: number;
  readonly #runtime: Runtime;

  constructor(maxEntries: number | undefined, runtime: Runtime) {
    this.#maxEntries = positiveInteger("cacheSize", maxEntries ?? MOST_ENTRIES);
    this.#runtime = runtime;
  }

  get(key: string): unknown {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > this.#runtime.time.monotonicMs()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: unknown, ttl: number): void {
    const { time } = this.#runtime;
    // What comes as an instant of the wall clock is kept as a duration: that clock may jump.
    const expiresAtMs = ttl === 0 ? Infinity : time.monotonicMs() + (ttl - time.wallMs());
    const [oldest] = this.#entries.keys();
    const isFull = this.#entries.size >= this.#maxEntries && !this.#entries.has(key);
    if (isFull && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(key, { value, expiresAtMs });
  }

  /** Forgets `key`, if it still holds `value`. */
  drop(key: string, value: unknown): void {
    if (this.#entries.get(key)?.value === value) this.#entries.delete(key);
  }

  flush(): void {
    this.#entries.clear();
  }
}

/** A cache with a lifetime of entries, which cannot fail. */
export class SafeCache<T extends CacheTransport = CacheTransport> {
  readonly transport: T;
  readonly #ttlMs: Ms;
  readonly #runtime: Runtime;

  constructor(transport: T, ttlMs: Ms, runtime: Runtime) {
    this.transport = transport;
    this.#ttlMs = ttlMs;
    this.#runtime = runtime;
  }

  get(key: string): unknown {
    return this.#safely(() => this.transport.get(key)) ?? undefined;
  }

  set(key: string, value: unknown): void {
    const isBounded = this.#ttlMs > 0 && this.#ttlMs < Infinity;
    const expiresAtMs = isBounded ? this.#runtime.time.wallMs() + this.#ttlMs : 0;
    this.#safely(() => this.transport.set(key, value, expiresAtMs));
  }

  flush(): void {
    this.#safely(() => this.transport.flush());
  }

  #safely<R>(work: () => R): R | undefined {
    try {
      return work();
    } catch (error) {
      reportFailure(this.#runtime, "cacheTransport", error);
      return undefined;
    }
  }
}
