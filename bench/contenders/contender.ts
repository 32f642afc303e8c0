/**
 * What the benchmark asks of every lock library, and no more.
 *
 * Each contender is used as its README shows, with its own defaults, but for two things: it waits
 * as long as it must (a benchmark has no use for half a queue that gave up), and its connections
 * bear its id as their name, so that its commands can be counted.
 */

/** Names of contenders: of connections, of arguments, of keys. */
export type ContenderId =
  | "raw"
  | "redlock4"
  | "redlock5"
  | "redlock5-fast"
  | "redis-semaphore"
  | "universal"
  | "universal-lean"
  | "quorate";

/** A lock library. */
export interface Contender {
  readonly id: ContenderId;
  /** Its name and version, as tables print it. */
  readonly title: string;
  /** Connects to the Redis at `url`; everything that a first use costs is paid here. */
  open(url: string): Promise<Session>;
}

/** How long, and whether it ends by itself. */
export interface LeaseOptions {
  readonly ttlMs: number;
  /** False: no renewal, even where the library would do it unasked. @default true */
  readonly renew?: boolean;
}

/** A library with its connection. */
export interface Session {
  /** Acquires the lock `name`, waiting in whatever way the library waits. */
  acquire(name: string, options: LeaseOptions): Promise<Held>;
  /** Holds `name` with the library's own renewal; absent where it has none. */
  hold?(name: string, options: LeaseOptions): Promise<Held>;
  close(): Promise<void>;
}

/** A lock that is held. */
export interface Held {
  /** What it answers is the library's business; a rejection is a failure. */
  release(): Promise<unknown>;
}

/** A wait that no run outlasts. */
export const LONG_WAIT_MS = 600_000;
