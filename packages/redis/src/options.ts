/**
 * Options of the backend, and what of a client's own options would break it.
 *
 * A client that would lie (stale reads from replicas, keys renamed behind our back) is refused
 * before the first command, by the name of the option and its cure.
 */
import {
  type BackendOptions,
  checkName,
  DEFAULT_REQUEST_TIMEOUT_MS,
  inRange,
  invalidArgument,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  type Runtime,
  systemRuntime,
} from "@quorate/core";
import { type AnyRedis, isCluster, type SubscriberLike } from "./client.ts";
import { unsupported } from "./errors.ts";

/** Options of `redisBackend`. */
export interface RedisBackendOptions extends BackendOptions {
  /**
   * Into how many slots a namespace is spread, so that a cluster can share its work. All processes
   * of a namespace must agree on it. A single server gains nothing from more than one.
   *
   * @default 16 in a cluster, 1 elsewhere
   */
  readonly partitions?: number;
  /**
   * A grant counts only once this many replicas have acknowledged it (`WAIT`), else it is given
   * back. Makes a failover that forgets a grant less likely; does not make it impossible.
   *
   * @default 0
   */
  readonly replicas?: number;
  /** How long to wait for the replicas. @default 1000 */
  readonly replicasTimeoutMs?: Ms;
  /** Go on although the server may evict our keys under memory pressure. @default false */
  readonly allowEviction?: boolean;
  /**
   * A connection of your own for subscriptions, used for nothing else; it is not closed by the
   * backend's `close`. Not for clusters.
   *
   * @default `client.duplicate()` on first need
   */
  readonly subscriber?: SubscriberLike;
}

/** Options, checked, with defaults. */
export interface CheckedOptions {
  readonly namespace: string;
  readonly runtime: Runtime;
  readonly requestTimeoutMs: Ms;
  readonly partitions: number;
  readonly replicas: number;
  readonly replicasTimeoutMs: Ms;
  readonly allowEviction: boolean;
  readonly subscriber: SubscriberLike | undefined;
}

/** Checks options and client. */
export function checkOptions(client: AnyRedis, options: RedisBackendOptions): CheckedOptions {
  knownOptions("options", options, [
    "allowEviction",
    "namespace",
    "partitions",
    "replicas",
    "replicasTimeoutMs",
    "requestTimeoutMs",
    "runtime",
    "subscriber",
  ]);
  checkClient(client);
  const cluster = isCluster(client);
  const { subscriber } = options;
  if (subscriber !== undefined && cluster) {
    throw invalidArgument("subscriber", subscriber, "left out for a cluster");
  }
  const replicas = options.replicas ?? 0;
  return {
    namespace: checkName("namespace", options.namespace ?? "quorate"),
    runtime: options.runtime ?? systemRuntime,
    requestTimeoutMs: positive(
      "requestTimeoutMs",
      options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
    ),
    partitions: inRange(
      "partitions",
      positiveInteger("partitions", options.partitions ?? (cluster ? 16 : 1)),
      1,
      1_024,
    ),
    replicas: replicas === 0 ? 0 : inRange("replicas", positiveInteger("replicas", replicas), 1, 8),
    replicasTimeoutMs: positive("replicasTimeoutMs", options.replicasTimeoutMs ?? 1_000),
    allowEviction: options.allowEviction ?? false,
    subscriber,
  };
}

function checkClient(client: AnyRedis): void {
  const shaped =
    typeof client === "object" &&
    client !== null &&
    typeof client.evalsha === "function" &&
    typeof client.callBuffer === "function" &&
    typeof client.on === "function" &&
    typeof client.options === "object";
  if (!shaped) throw invalidArgument("client", client, "an ioredis `Redis` or `Redis.Cluster`");
  const nodes = isCluster(client) ? client.options.redisOptions : client.options;
  const prefix = client.options.keyPrefix ?? nodes?.keyPrefix ?? "";
  if (prefix !== "") {
    throw unsupported(
      "keyPrefix",
      `the client has keyPrefix ${JSON.stringify(prefix)}: ioredis adds it to some names and not ` +
        "to others. Leave it out, and give `namespace` to redisBackend instead",
    );
  }
  const scaleReads = isCluster(client) ? client.options.scaleReads : undefined;
  if (scaleReads !== undefined && scaleReads !== "master") {
    throw unsupported(
      "scaleReads",
      "the client reads from replicas, which lag behind: set scaleReads to 'master'",
    );
  }
  excludeFromPipelining(client);
}

/** Lock-step batches made every script measured slower: ours are batched where it pays. */
function excludeFromPipelining(client: AnyRedis): void {
  const { options } = client;
  if (options.enableAutoPipelining !== true) return;
  const ignored = options.autoPipeliningIgnoredCommands ?? [];
  options.autoPipeliningIgnoredCommands = [...new Set([...ignored, "eval", "evalsha"])];
}
