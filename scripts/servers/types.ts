/**
 * What the test servers and the fault rig look like to a test.
 *
 * Only types live here: Node never loads this file, the `.mjs` modules beside it name its types in
 * their JSDoc, and the type checker holds both to it.
 */

/** The NATS lines that behave differently enough to be tested apart. "2.15" means 2.15 or newer. */
export type NatsLine = "2.9" | "2.10" | "2.15";

/** What a test can need. `nats` alone means any version. */
export type ServerName = "redis" | "nats" | `nats@${NatsLine}` | "postgres";

/** A server program that was found, and how to run it. */
export interface Binary {
  readonly path: string;
  readonly version: string;
  /** Where it came from, for the log: "PATH", "cache" and so on. */
  readonly source: string;
  /** Directories for LD_LIBRARY_PATH when the libraries came unpacked with the program. */
  readonly libraryDirs: readonly string[];
}

/** All that was found. `nats` may hold lines beyond `NatsLine`, such as a PATH's "2.12". */
export interface FoundServers {
  readonly redis: Binary | undefined;
  readonly nats: Readonly<Record<string, Binary>>;
  readonly postgres: Binary | undefined;
}

/** One throw-away server process on a loopback port of its own. */
export interface ServerProcess {
  readonly url: string;
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Of the server itself, not of its guard; changes with `restart()`. */
  readonly pid: number;
  /** Data, configuration; removed by `stop()` and when this process dies, however it dies. */
  readonly dir: string;
  readonly version: string;
  /** What the server printed last, for a failure message. */
  logTail(): string;
  /** SIGKILL; resolves when the process is gone and its port is free. */
  kill(): Promise<void>;
  /** Starts again on the same port and directory; kills first if it still runs. */
  restart(): Promise<void>;
  /** SIGSTOP, and returns when every thread stands: connections stay open, nothing answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Kills and removes the directory. Twice is fine. */
  stop(): Promise<void>;
}

/** Words put before a server's command line, for its place: `unshare`, `env` and the like. */
export type Wrapper = (place: { readonly port: number; readonly dir: string }) => readonly string[];

export interface RedisOptions {
  readonly port?: number;
  /** Runs the server inside something: a small disk, another clock. It must `exec` at last. */
  readonly wrapper?: Wrapper;
  /** Appended to the command line, so they win over ours. */
  readonly args?: readonly string[];
  /** Keep every write over a `kill()`: append-only file, fsync always. @default false */
  readonly appendonly?: boolean;
}

export interface RedisClusterOptions {
  /** @default 3 */
  readonly masters?: number;
  /** Replicas in all, dealt to the masters in turn. @default as many as masters */
  readonly replicas?: number;
  /** Silence after which a node counts as failed. @default 2000 */
  readonly nodeTimeoutMs?: number;
}

export interface RedisCluster {
  readonly nodes: readonly ServerProcess[];
  readonly seeds: readonly { readonly host: string; readonly port: number }[];
  /** The node that owns `slot` now, as told by the live nodes. */
  masterOf(slot: number): Promise<ServerProcess>;
  stop(): Promise<void>;
}

export interface RedisSentinelOptions {
  /** @default 3 */
  readonly sentinels?: number;
  /** Silence after which a sentinel suspects the master. @default 500 */
  readonly downAfterMs?: number;
  /** @default 3000 */
  readonly failoverTimeoutMs?: number;
}

export interface RedisSentinel {
  readonly master: ServerProcess;
  readonly replica: ServerProcess;
  readonly sentinels: readonly ServerProcess[];
  /** The name under which the sentinels know the master. */
  readonly name: string;
  stop(): Promise<void>;
}

export interface NatsOptions {
  /** @default the newest that was found */
  readonly version?: NatsLine;
  readonly port?: number;
  /** As for Redis. */
  readonly wrapper?: Wrapper;
  readonly args?: readonly string[];
  /** Extra lines for the configuration file. */
  readonly config?: string;
}

export interface NatsClusterOptions {
  readonly version?: NatsLine;
  /** @default 3 */
  readonly nodes?: number;
  /** Extra lines for the configuration of node 0, 1, …; it is named `n0`, `n1`, …. */
  readonly nodeConfig?: (index: number) => string;
}

export interface NatsCluster {
  readonly nodes: readonly ServerProcess[];
  readonly urls: readonly string[];
  stop(): Promise<void>;
}

export interface PostgresOptions {
  readonly port?: number;
  /** As for Redis. */
  readonly wrapper?: Wrapper;
  readonly args?: readonly string[];
  /** @default 200 */
  readonly maxConnections?: number;
  /** Above 0 `PREPARE TRANSACTION` works. @default 0, as PostgreSQL has it */
  readonly maxPreparedTransactions?: number;
}

export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
  readonly url?: string;
}

/** How long a relay keeps each chunk, way by way. */
export interface Delay {
  /** @default 0 */
  readonly requestsMs?: number;
  /** @default 0 */
  readonly repliesMs?: number;
  /** Up to this much more, drawn for each chunk, both ways; order is kept. @default 0 */
  readonly jitterMs?: number;
  /** What the jitter is drawn from. @default Math.random */
  readonly random?: () => number;
}

/** A TCP relay that misbehaves on command. Switches act on open and on new connections. */
export interface TcpProxy {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** The target's URL with the proxy's port, if the target has one. */
  readonly url: string | undefined;
  /** Resets every open connection. */
  cutAll(): void;
  /** While on, a new connection is reset as soon as it is made. */
  refuse(on: boolean): void;
  /** While on, requests pass and replies are held; off delivers what was held. */
  pauseReplies(on: boolean): void;
  /** While on, requests are held and replies pass. */
  pauseRequests(on: boolean): void;
  /** Delays every chunk as said, keeping order; `{}` ends it. */
  delay(delay: Delay): void;
  /**
   * The lost reply. Forwards the next request that matches, waits until the server answered it,
   * drops the answer and resets the connection; resolves then. A match is held until its
   * connection has been quiet for 10 ms, so that an earlier reply is not taken for the answer.
   */
  cutAfterNextRequest(match?: (chunk: Buffer) => boolean): Promise<void>;
  /** Drops each reply chunk by chance. TCP cannot lose a middle, so the connection is reset too. */
  dropReplies(probability: number, random: () => number): void;
  /** Connections now open through the proxy. */
  connections(): number;
  close(): Promise<void>;
}

/** Answer of `needs`: what `describe.skipIf` wants, and the words for the log. */
export interface Need {
  readonly skip: boolean;
  readonly reason: string;
}
