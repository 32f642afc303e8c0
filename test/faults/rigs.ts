/**
 * Servers to be ill-treated, and the ways by which workers reach them.
 *
 * Where a server stands alone, each worker has a proxy of its own, so that one of them can be cut
 * off while the others go on. Members of a cluster tell clients each other's addresses, so there
 * the faults are those of the servers.
 */
import {
  startNats,
  startNatsCluster,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  startTcpProxy,
} from "../../scripts/servers/index.mjs";
import type {
  NatsCluster,
  RedisCluster,
  RedisSentinel,
  ServerProcess,
  TcpProxy,
  Wrapper,
} from "../../scripts/servers/types.ts";
import { askApi, connectTo } from "../support/nats-client.ts";
import type { Route } from "./protocol.ts";
import { type SkewedClock, skewedClock, type SmallDisk, smallDisk } from "./wrappers.ts";

/** What every rig has. */
interface RigBase {
  /** Server and version, for the table. */
  readonly title: string;
  readonly namespace: string;
  route(worker: number): Route;
  stop(): Promise<void>;
}

/** One server, each worker behind a proxy of its own. */
export interface SingleRig extends RigBase {
  readonly server: ServerProcess;
  readonly proxies: readonly TcpProxy[];
}

/** A master, its replica, and three sentinels. */
export interface SentinelRig extends RigBase {
  readonly sentinel: RedisSentinel;
}

/** Three masters and their replicas. */
export interface ClusterRig extends RigBase {
  readonly cluster: RedisCluster;
}

/** Three NATS servers, the stream on all of them. */
export interface QuorumRig extends RigBase {
  readonly cluster: NatsCluster;
  /** The server that leads the stream now. */
  leader(): Promise<ServerProcess>;
}

/** A server whose data lie on a small disk. */
export interface DiskRig extends SingleRig {
  readonly disk: SmallDisk;
}

/** A server whose wall clock can be set. */
export interface ClockRig extends SingleRig {
  readonly clock: SkewedClock;
}

/** How to start a server that stands alone. */
export interface SingleOptions {
  readonly workers: number;
  /**
   * What a Redis keeps over a kill. `always` ends the server when its disk is full, so a full disk
   * wants `everysec`. A NATS has its file store. @default "none"
   */
  readonly persistence?: "none" | "everysec" | "always";
  readonly wrapper?: Wrapper;
}

const PERSISTENCE: Readonly<Record<"none" | "everysec" | "always", readonly string[]>> = {
  none: ["--appendonly", "no"],
  everysec: ["--appendonly", "yes", "--appendfsync", "everysec"],
  always: ["--appendonly", "yes", "--appendfsync", "always"],
};

const DISK_MB = 16;

let started = 0;
const freshNamespace = (): string => `faults-${process.pid}-${(started += 1)}`;

/** One server of `engine`. */
export async function startSingle(
  engine: "redis" | "nats",
  options: SingleOptions,
): Promise<SingleRig> {
  const { workers, persistence = "none" } = options;
  const wrapper = options.wrapper === undefined ? {} : { wrapper: options.wrapper };
  const server =
    engine === "redis"
      ? await startRedis({ ...wrapper, args: PERSISTENCE[persistence] })
      : await startNats(wrapper);
  const proxies = await Promise.all(
    Array.from({ length: workers }, () => startTcpProxy({ ...place(server), url: server.url })),
  );
  return {
    title: `${engine} ${server.version}`,
    namespace: freshNamespace(),
    server,
    proxies,
    route: (worker) => {
      const url = proxies[worker]?.url ?? "";
      return engine === "redis" ? { engine, url } : { engine, urls: [url], replicas: 1 };
    },
    stop: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await server.stop();
    },
  };
}

/** One server of `engine` on a disk of a few megabytes. */
export async function startOnSmallDisk(
  engine: "redis" | "nats",
  workers: number,
): Promise<DiskRig> {
  const disk = await smallDisk(DISK_MB, engine === "redis" ? "" : "store");
  const { wrapper } = disk;
  const rig = await startSingle(engine, { workers, persistence: "everysec", wrapper });
  const stop = async (): Promise<void> => {
    await rig.stop();
    await disk.remove();
  };
  return { ...rig, disk, stop };
}

/** A Redis whose wall clock can be set. */
export async function startSkewed(workers: number): Promise<ClockRig> {
  const clock = skewedClock();
  const rig = await startSingle("redis", { workers, wrapper: clock.wrapper });
  const stop = async (): Promise<void> => {
    await rig.stop();
    clock.remove();
  };
  return { ...rig, clock, stop };
}

function place({ host, port }: ServerProcess): { readonly host: string; readonly port: number } {
  return { host, port };
}

/** A Redis master under sentinels that suspect it after half a second. */
export async function startSentinel(): Promise<SentinelRig> {
  const sentinel = await startRedisSentinel();
  const ports = sentinel.sentinels.map(({ port }) => port);
  return {
    title: `redis ${sentinel.master.version}, sentinels`,
    namespace: freshNamespace(),
    sentinel,
    route: () => ({ engine: "redis-sentinel", ports, name: sentinel.name }),
    stop: () => sentinel.stop(),
  };
}

/** A Redis cluster that suspects a node after a second. */
export async function startCluster(): Promise<ClusterRig> {
  const cluster = await startRedisCluster({ nodeTimeoutMs: 1_000 });
  const ports = cluster.seeds.map(({ port }) => port);
  return {
    title: `redis ${cluster.nodes[0]?.version}, cluster`,
    namespace: freshNamespace(),
    cluster,
    route: () => ({ engine: "redis-cluster", ports }),
    stop: () => cluster.stop(),
  };
}

/** Three NATS servers. */
export async function startQuorum(): Promise<QuorumRig> {
  const cluster = await startNatsCluster({ version: "2.10" });
  const admin = await connectTo("nats", [...cluster.urls]);
  const namespace = freshNamespace();
  return {
    title: `nats ${cluster.nodes[0]?.version}, 3 replicas`,
    namespace,
    cluster,
    route: () => ({ engine: "nats", urls: cluster.urls, replicas: 3 }),
    leader: async () => {
      const info = await askApi(admin, `STREAM.INFO.QUORATE_${namespace}`);
      const { leader } = info["cluster"] as { readonly leader: string };
      const node = cluster.nodes[Number(leader.slice(1))];
      if (node === undefined) throw new Error(`no node is called ${leader}`);
      return node;
    },
    stop: async () => {
      await admin.close();
      await cluster.stop();
    },
  };
}
