/**
 * The part of ioredis that this package uses, as shapes.
 *
 * Nothing here imports ioredis: the user's copy, version 5.4 or 6, single server, sentinel or
 * cluster, is the one that runs. `check-types.ts` of the tests holds the shapes to both versions.
 */

/** What a script takes. */
export type ScriptArgument = string | Buffer;

/** Options of a client that matter to us. */
export interface RedisOptionsLike {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly keyPrefix?: string | undefined;
  readonly sentinels?: unknown;
  readonly autoResendUnfulfilledCommands?: boolean | undefined;
  readonly enableAutoPipelining?: boolean | undefined;
  autoPipeliningIgnoredCommands?: string[] | undefined;
}

/** What both kinds of client can do. */
export interface ScriptClient {
  readonly status: string;
  evalsha(sha: string, keyCount: number, ...rest: ScriptArgument[]): Promise<unknown>;
  eval(source: string, keyCount: number, ...rest: ScriptArgument[]): Promise<unknown>;
  /** As `call`, but values come back as they are in the store: `Buffer`s. */
  callBuffer(command: string, ...rest: ScriptArgument[]): Promise<unknown>;
  // oxlint-disable-next-line typescript/no-explicit-any -- each event has arguments of its own
  on(event: string, listener: (...args: any[]) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  removeListener(event: string, listener: (...args: any[]) => void): unknown;
  connect(): Promise<unknown>;
}

/** A connection that has been, or can be, given over to subscriptions. */
export interface SubscriberLike {
  readonly status: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- each event has arguments of its own
  on(event: string, listener: (...args: any[]) => void): unknown;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  removeListener(event: string, listener: (...args: any[]) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  psubscribe(...patterns: string[]): Promise<unknown>;
  punsubscribe(...patterns: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
  ping(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
}

/** One server, or the master that sentinels name: `new Redis(…)`. */
export interface RedisLike extends ScriptClient {
  /** The connection; absent before the first one is made. */
  readonly stream?: { cork?(): void; uncork?(): void } | undefined;
  readonly isCluster: boolean;
  readonly options: RedisOptionsLike;
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(options?: {
    lazyConnect?: boolean;
    retryStrategy?: (times: number) => number;
  }): SubscriberLike;
}

/** A cluster: `new Redis.Cluster(…)`. */
export interface RedisClusterLike extends ScriptClient {
  readonly isCluster: boolean;
  readonly options: {
    readonly keyPrefix?: string | undefined;
    readonly scaleReads?: unknown;
    readonly enableAutoPipelining?: boolean | undefined;
    autoPipeliningIgnoredCommands?: string[] | undefined;
    readonly redisOptions?: RedisOptionsLike | undefined;
  };
  /** "host:port" of the nodes of each slot, the master first. */
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(role?: "all" | "master" | "slave"): RedisLike[];
}

/** Either. */
export type AnyRedis = RedisLike | RedisClusterLike;

/** True for a cluster client. */
export function isCluster(client: AnyRedis): client is RedisClusterLike {
  return client.isCluster;
}

/** Where a client talks to, as `host:port`; never a user or password. */
export function addressOf(client: AnyRedis): string {
  const one = isCluster(client) ? client.nodes("all")[0] : client;
  if (one === undefined) return "a cluster with no known node";
  const { host, port } = one.options;
  return `${host ?? "localhost"}:${port ?? 6379}`;
}
