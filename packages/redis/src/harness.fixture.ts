/**
 * Redis for the conformance suite: real servers, each backend behind a proxy of its own.
 *
 * Each backend has its own ioredis client, as another process would; what the suite wants to be
 * done to a link is done to that backend's proxies. The admin's connection goes straight to the
 * server.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Harness, HarnessFaults, OpenOptions } from "@quorate/conformance";
import type { Backend } from "@quorate/core";
import { Redis } from "ioredis";
import { Redis as Redis5 } from "ioredis5";
import {
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  startTcpProxy,
} from "../../../scripts/servers/index.mjs";
import type { ServerProcess, TcpProxy } from "../../../scripts/servers/types.ts";
import { redisBackend } from "./index.ts";
import type { RedisBackendOptions } from "./options.ts";
import { loadScripts } from "./scripts.ts";

/** Shas of scripts that write. */
const WRITES = (["PUBLISH", "SPUBLISH"] as const).flatMap((publish) => {
  const scripts = loadScripts(publish);
  return [
    scripts.lease.sha,
    scripts["kv-put"].sha,
    scripts["kv-delete"].sha,
    scripts["kv-fence"].sha,
  ];
});
const HOLD_MS = 900;
const SETTLE_MS = 1_000;

const isWrite = (chunk: Buffer): boolean => WRITES.some((sha) => chunk.includes(sha));

interface Opened {
  readonly proxies: readonly TcpProxy[];
  readonly close: () => void;
}

/** What one set-up of servers can do. */
interface SetUp {
  readonly name: string;
  readonly servers: readonly ServerProcess[];
  open(options: RedisBackendOptions): Promise<{ backend: Backend } & Opened>;
  failover?: () => Promise<void>;
  stop(): Promise<void>;
}

/** One server, with either major version of ioredis. */
export async function standalone(version: 5 | 6): Promise<Harness> {
  const server = await startRedis();
  const Client = version === 6 ? Redis : (Redis5 as unknown as typeof Redis);
  return harness({
    name: `redis ${server.version} by ioredis ${version}`,
    servers: [server],
    stop: () => server.stop(),
    open: async (options) => {
      const proxy = await startTcpProxy(server);
      const client = new Client({ host: proxy.host, port: proxy.port, ...impatient });
      client.on("error", () => {});
      const backend = redisBackend(client, options);
      return { backend, proxies: [proxy], close: () => client.disconnect() };
    },
  });
}

/** Three masters with a replica each. */
export async function cluster(version: 5 | 6): Promise<Harness> {
  const servers = await startRedisCluster({ nodeTimeoutMs: 1_000 });
  // Until its nodes have told each other of all replicas, clients move their subscriptions about.
  await sleep(SETTLE_MS);
  const Client = version === 6 ? Redis : (Redis5 as unknown as typeof Redis);
  return harness({
    name: `redis cluster by ioredis ${version}`,
    servers: servers.nodes,
    stop: () => servers.stop(),
    open: async (options) => {
      const proxies = await Promise.all(servers.nodes.map((node) => startTcpProxy(node)));
      const natMap = Object.fromEntries(
        servers.nodes.map(({ port }, index) => {
          const { host, port: proxied } = proxies[index] as TcpProxy;
          return [`127.0.0.1:${port}`, { host, port: proxied }];
        }),
      );
      const seeds = proxies.map(({ host, port }) => ({ host, port }));
      const client = new Client.Cluster(seeds, {
        natMap,
        clusterRetryStrategy: () => 50,
        redisOptions: impatient,
      });
      client.on("error", () => {});
      return { backend: redisBackend(client, options), proxies, close: () => client.disconnect() };
    },
  });
}

/** A master with a replica under sentinels; clients ask the sentinels. */
export async function sentinel(version: 5 | 6): Promise<Harness> {
  const servers = await startRedisSentinel();
  const Client = version === 6 ? Redis : (Redis5 as unknown as typeof Redis);
  let master = servers.master;
  return harness({
    name: `redis under sentinels by ioredis ${version}`,
    servers: [servers.master, servers.replica],
    stop: () => servers.stop(),
    open: (options) => {
      const client = new Client({
        sentinels: servers.sentinels.map(({ host, port }) => ({ host, port })),
        name: servers.name,
        sentinelRetryStrategy: () => 50,
        ...impatient,
      });
      client.on("error", () => {});
      const backend = redisBackend(client, options);
      return Promise.resolve({ backend, proxies: [], close: () => client.disconnect() });
    },
    failover: async () => {
      const dead = master;
      master = dead === servers.master ? servers.replica : servers.master;
      await dead.kill();
      await sleep(2_500);
    },
  });
}

/** Clients that come back at once: a test has no time. */
const impatient = { retryStrategy: () => 20, connectTimeout: 2_000 };

function harness(setUp: SetUp): Harness {
  const opened = new Map<Backend, Opened>();
  const of = (backend: Backend): readonly TcpProxy[] => opened.get(backend)?.proxies ?? [];
  const runs = { count: 0 };
  const result: Harness = {
    name: setUp.name,
    open: async (options: OpenOptions = {}) => {
      const { backend, ...rest } = await setUp.open({
        namespace: options.namespace ?? "conformance",
        requestTimeoutMs: options.requestTimeoutMs ?? 2_000,
        ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
      });
      runs.count += 1;
      opened.set(backend, rest);
      return backend;
    },
    pass: (ms) => sleep(ms),
    faults: faultsOf(setUp, of),
    serverResources: () => subscriptions(setUp.servers),
    close: async () => {
      for (const [backend, { close, proxies }] of opened) {
        await backend.close({ graceMs: 0 });
        close();
        await Promise.all(proxies.map((proxy) => proxy.close()));
      }
      await setUp.stop();
    },
  };
  return result;
}

function faultsOf(
  setUp: SetUp,
  of: (backend: Backend) => readonly TcpProxy[],
): Partial<HarnessFaults> {
  const { servers, failover } = setUp;
  const each = async (work: (server: ServerProcess) => unknown): Promise<void> => {
    await Promise.all(servers.map((server) => work(server)));
  };
  const shared: Partial<HarnessFaults> = {
    flush: () => each((server) => admin(server, (client) => client.call("FLUSHALL"))),
    cutSubscriptions: () =>
      each((server) => admin(server, (client) => client.call("CLIENT", "KILL", "TYPE", "pubsub"))),
    ...(failover === undefined ? {} : { failover }),
  };
  if (failover !== undefined) return shared;
  return {
    ...shared,
    loseNextReply: (backend) => {
      for (const proxy of of(backend)) void proxy.cutAfterNextRequest(isWrite);
    },
    holdNextRequest: (backend) => holdNext(of(backend), servers),
    cutLink: (backend) => {
      for (const proxy of of(backend)) {
        proxy.refuse(true);
        proxy.cutAll();
      }
    },
    restoreLink: (backend) => of(backend).forEach((proxy) => proxy.refuse(false)),
    resetLink: (backend) => of(backend).forEach((proxy) => proxy.cutAll()),
    pauseProcess: (backend) => {
      for (const proxy of of(backend)) {
        proxy.pauseRequests(true);
        proxy.pauseReplies(true);
      }
    },
    resumeProcess: (backend) => {
      for (const proxy of of(backend)) {
        proxy.pauseRequests(false);
        proxy.pauseReplies(false);
      }
    },
    freeze: () => servers.forEach((server) => server.pause()),
    thaw: () => servers.forEach((server) => server.resume()),
    killServer: () => each((server) => server.kill()),
    restartServer: () => each((server) => server.restart()),
  };
}

/**
 * The next write is taken on its way, and the link is down until its caller has given up; then the
 * copy that the client library sends again comes too, as in life.
 */
function holdNext(
  proxies: readonly TcpProxy[],
  servers: readonly ServerProcess[],
): () => Promise<void> {
  let held: { readonly chunk: Buffer; readonly server: ServerProcess } | undefined;
  for (const [index, proxy] of proxies.entries()) {
    const take = (chunk: Buffer): boolean => {
      const server = servers[index];
      if (held !== undefined || server === undefined || !isWrite(chunk)) return false;
      held = { chunk: Buffer.from(chunk), server };
      // Cut before the proxy forwards what it has just shown us.
      for (const one of proxies) {
        one.cutAll();
        one.refuse(true);
      }
      setTimeout(() => proxies.forEach((one) => one.refuse(false)), HOLD_MS);
      return false;
    };
    void proxy.cutAfterNextRequest(take);
  }
  return async () => {
    if (held === undefined) throw new Error("nothing was held");
    const { chunk, server } = held;
    const { connect } = await import("node:net");
    const socket = connect(server.port, server.host);
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.once("data", () => resolve());
      socket.write(chunk);
    });
    socket.destroy();
  };
}

async function admin<T>(
  server: ServerProcess,
  work: (client: Redis) => Promise<T>,
): Promise<T | undefined> {
  const client = new Redis({ port: server.port, host: server.host, retryStrategy: () => null });
  client.on("error", () => {});
  try {
    return await work(client);
  } catch (error) {
    // A replica refuses, a dead node does not answer: neither has anything to do here.
    if (String(error).includes("READONLY") || client.status !== "ready") return undefined;
    throw error;
  } finally {
    client.disconnect();
  }
}

async function subscriptions(servers: readonly ServerProcess[]): Promise<number> {
  const counts = await Promise.all(
    servers.map((server) =>
      admin(server, async (client) => {
        const plain = (await client.call("PUBSUB", "CHANNELS")) as string[];
        const shard = (await client.call("PUBSUB", "SHARDCHANNELS")) as string[];
        return plain.length + shard.length + Number(await client.call("PUBSUB", "NUMPAT"));
      }),
    ),
  );
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}
