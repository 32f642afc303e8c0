/**
 * Redis behind the waist: kv, leases and bus on one server, a sentinel's master, or a cluster.
 *
 * The user's client does the work and stays the user's; one more connection is made on first need,
 * to listen. Every operation is one script, one round trip, atomic, judged by the server's clock.
 *
 * Guarantees: those of the waist, at the level `capabilities` names. Does not guarantee that
 * acknowledged writes survive a failover: Redis replicates asynchronously. A guard with fencing
 * tokens does not depend on it.
 */
import {
  type Backend,
  type Capabilities,
  type CloseOptions,
  deferred,
  type Health,
  Lifecycle,
  type MessageBus,
  type Ms,
  nonNegative,
  type RequestBounds,
  type Runtime,
} from "@quorate/core";
import { RedisBus } from "./bus/redis-bus.ts";
import {
  addressOf,
  type AnyRedis,
  isCluster,
  type RedisClusterLike,
  type RedisLike,
} from "./client.ts";
import type { Engine } from "./engine.ts";
import { unsupported } from "./errors.ts";
import { checkHealth, mayEvict } from "./health.ts";
import { RedisKv } from "./kv/kv-store.ts";
import { RedisLeases } from "./leases/lease-store.ts";
import { Link } from "./link.ts";
import { type CheckedOptions, checkOptions, type RedisBackendOptions } from "./options.ts";
import { type Partition, Partitions } from "./partitions.ts";
import { ReplicaCheck } from "./replica-check.ts";
import { loadScripts } from "./scripts.ts";
import { ServerClocks } from "./server-clock.ts";
import { readFacts, type ServerFacts } from "./server-facts.ts";
import { quickenStrings } from "./string-methods.ts";
import { Subscriber } from "./subscriber.ts";

const MAX_VALUE_BYTES = 524_288;
const OLDEST_MAJOR = 7;
const DEFAULT_GRACE_MS = 1_000;

/**
 * A backend on Redis 7 or newer, through an ioredis client of yours.
 *
 * @example
 * import { Redis } from "ioredis";
 * import { redisBackend } from "@quorate/redis";
 * const client = new Redis("redis://localhost:6379");
 * const backend = redisBackend(client, { namespace: "shop" });
 *
 * @throws INVALID_ARGUMENT, UNSUPPORTED the client or an option cannot work; nothing was sent.
 */
export function redisBackend(
  client: RedisLike | RedisClusterLike,
  options: RedisBackendOptions = {},
): Backend {
  quickenStrings();
  return new RedisBackend(client, checkOptions(client, options));
}

class RedisBackend implements Backend {
  readonly name = "redis";
  readonly runtime: Runtime;
  readonly kv: RedisKv;
  readonly leases: RedisLeases;
  readonly bus: MessageBus;
  readonly #bus: RedisBus;
  readonly #engine: Engine;
  readonly #options: CheckedOptions;
  readonly #replicas: ReplicaCheck | undefined;
  #facts: ServerFacts | undefined;
  #readying: Promise<void> | undefined;

  constructor(client: AnyRedis, options: CheckedOptions) {
    const { runtime } = options;
    this.runtime = runtime;
    this.#options = options;
    const clustered = isCluster(client);
    const partitions = new Partitions(options.namespace, options.partitions);
    this.#replicas = options.replicas === 0 ? undefined : new ReplicaCheck(client, options);
    const bounds: RequestBounds = {
      minTtlMs: 1,
      maxValueBytes: MAX_VALUE_BYTES,
      requestTimeoutMs: options.requestTimeoutMs,
      newOperationId: () => runtime.ids.operation(),
    };
    this.#engine = {
      runtime,
      link: new Link(client, runtime, () => this.ready()),
      scripts: loadScripts(clustered ? "SPUBLISH" : "PUBLISH"),
      partitions,
      clocks: new ServerClocks(runtime.time, partitions.all, placesOf(client)),
      subscriber: new Subscriber(client, {
        runtime,
        ready: () => this.ready(),
        timeoutMs: options.requestTimeoutMs,
        given: options.subscriber,
      }),
      lifecycle: new Lifecycle("the redis backend", runtime),
      bounds,
      clustered,
      replicas: this.#replicas,
    };
    const { link, clocks } = this.#engine;
    link.onBreak(() => clocks.forget());
    this.kv = new RedisKv(this.#engine);
    this.leases = new RedisLeases(this.#engine);
    this.#bus = new RedisBus(this.#engine);
    this.bus = this.#bus;
  }

  get capabilities(): Capabilities {
    const { clustered } = this.#engine;
    const { client } = this.#engine.link;
    const sentinel = !isCluster(client) && Array.isArray(client.options.sentinels);
    const replicated = clustered || sentinel || (this.#facts?.replicas ?? 0) > 0;
    return {
      reads: replicated ? "leader" : "linearizable",
      writes: replicated ? "async-replicas" : "single",
      revisions: "clock",
      expiry: "server",
      minTtlMs: 1,
      expiryLagMs: 50,
      maxValueBytes: MAX_VALUE_BYTES,
      leaseSafety: replicated ? "best-effort" : "lease",
    };
  }

  ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    options.signal?.throwIfAborted();
    this.#engine.lifecycle.assertOpen();
    this.#readying ??= this.#check().catch((error: unknown) => {
      // Ask again next time: a server may come up, a password may be set.
      this.#readying = undefined;
      throw error;
    });
    return this.#readying;
  }

  async health(
    options: { readonly signal?: AbortSignal; readonly timeoutMs?: Ms } = {},
  ): Promise<Health> {
    const timeoutMs = options.timeoutMs ?? this.#options.requestTimeoutMs;
    if (this.#engine.lifecycle.isClosed) {
      return { ok: false, warnings: [this.#engine.lifecycle.closedError().message] };
    }
    return checkHealth(this.#engine, this.#options, { signal: options.signal, timeoutMs });
  }

  close(options: CloseOptions = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    const { lifecycle, link, subscriber } = this.#engine;
    return lifecycle.close(graceMs, async () => {
      this.leases.close();
      this.kv.close();
      await this.#bus.close();
      link.close(() => lifecycle.closedError());
      subscriber.close();
      this.#replicas?.close();
      // Whoever was told of the end does so in this turn, before `close` resolves.
      const turn = deferred<void>();
      this.runtime.time.setTimer(0, () => turn.resolve());
      await turn.promise;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #check(): Promise<void> {
    const { link, clustered, partitions, runtime } = this.#engine;
    const { requestTimeoutMs, allowEviction } = this.#options;
    // Each node of a cluster has a clock of its own; elsewhere one answer tells of all partitions.
    const asked = clustered ? partitions.all : partitions.all.slice(0, 1);
    await Promise.all(asked.map((partition) => this.#learnClock(partition)));
    const facts = await readFacts(link.client, runtime, requestTimeoutMs);
    const address = addressOf(link.client);
    if (facts.major > 0 && facts.major < OLDEST_MAJOR) {
      throw unsupported(
        "redis version",
        `redis ${facts.version} at ${address} is too old: ` +
          `version ${OLDEST_MAJOR}.0 or newer is needed`,
      );
    }
    if (mayEvict(facts) && !allowEviction) {
      throw unsupported(
        "eviction",
        `redis at ${address} has maxmemory-policy ${facts.evictionPolicy} and may drop locks ` +
          "when memory is full: set noeviction, or give `allowEviction: true`",
      );
    }
    this.#facts = facts;
  }

  async #learnClock(partition: Partition): Promise<void> {
    const { link, scripts, clocks } = this.#engine;
    const { value, sentMs } = await link.run({
      operation: "ready",
      script: scripts.time,
      keys: [partition.clock],
      args: [],
      timeoutMs: this.#options.requestTimeoutMs,
      read: true,
      unchecked: true,
    });
    clocks.of(partition).learn(Number(value), sentMs);
  }
}

/** In a cluster each partition is judged by the clock of the node that has its slot. */
function placesOf(client: AnyRedis): ((partition: Partition) => string) | undefined {
  if (!isCluster(client)) return undefined;
  return (partition) => client.slots[partition.slot]?.[0] ?? "";
}
