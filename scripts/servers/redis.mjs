/**
 * Throw-away Redis: one server, a cluster, or a pair under sentinels.
 *
 * Built with plain commands instead of `redis-cli --cluster create`, so that the server program is
 * all that is needed and Valkey works as well.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { redisBinary } from "./find.mjs";
import { startProcess } from "./process.mjs";
import { redisCommand, until } from "./wire.mjs";

/**
 * @import { RedisCluster, RedisClusterOptions, RedisOptions, RedisSentinel, RedisSentinelOptions,
 *   ServerProcess, Wrapper } from "./types.ts"
 */

const SLOTS = 16_384;
const BUS_OFFSET = 10_000;
const SENTINEL_NAME = "quorate";

/**
 * One Redis on a free loopback port. Keeps nothing over a `kill()` unless `appendonly`.
 *
 * @param {RedisOptions} [options]
 * @returns {Promise<ServerProcess>}
 */
export function startRedis(options = {}) {
  const persistence = options.appendonly === true ? ["yes", "--appendfsync", "always"] : ["no"];
  return launch({
    port: options.port,
    wrapper: options.wrapper,
    args: ["--appendonly", ...persistence, ...(options.args ?? [])],
  });
}

/**
 * @param {{ port?: number | undefined, args: readonly string[], cluster?: boolean,
 *   wrapper?: Wrapper | undefined }} options
 */
function launch({ port, args, cluster = false, wrapper }) {
  return startProcess({
    name: "redis",
    binary: redisBinary(),
    scheme: "redis",
    port,
    wrapper,
    busOffset: cluster ? BUS_OFFSET : 0,
    args: (place) => [
      ...["--port", String(place.port), "--bind", "127.0.0.1", "--dir", place.dir],
      ...["--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"],
      ...args,
    ],
    ready: async (readyPort) => (await redisCommand(readyPort, "PING")) === "PONG",
  });
}

/**
 * A Redis cluster on loopback; resolves when every node says `cluster_state:ok` and every replica
 * has its master's data.
 *
 * @param {RedisClusterOptions} [options]
 * @returns {Promise<RedisCluster>}
 */
export async function startRedisCluster(options = {}) {
  const masters = options.masters ?? 3;
  const replicas = options.replicas ?? masters;
  const args = [
    ...["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--appendonly", "no"],
    ...["--cluster-node-timeout", String(options.nodeTimeoutMs ?? 2_000)],
    // A replica fails over however old its data is, and never moves to a poorer master: a test
    // wants the same cluster every time.
    ...["--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no"],
  ];
  const nodes = await startAll(masters + replicas, () => launch({ args, cluster: true }));
  const stop = () => stopAll(nodes);
  try {
    await joinCluster(nodes, masters);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes,
    seeds: nodes.map(({ host, port }) => ({ host, port })),
    masterOf: (slot) => masterOf(nodes, slot),
    stop,
  };
}

/**
 * @param {readonly ServerProcess[]} nodes masters first
 * @param {number} masters
 */
async function joinCluster(nodes, masters) {
  const [first] = nodes;
  if (first === undefined) throw new Error("a cluster needs at least one master");
  const ids = await Promise.all(nodes.map(({ port }) => redisCommand(port, "CLUSTER", "MYID")));
  for (const [index, { port }] of nodes.slice(0, masters).entries()) {
    const from = Math.floor((index * SLOTS) / masters);
    const to = Math.floor(((index + 1) * SLOTS) / masters) - 1;
    // Distinct epochs from the start, or the first minutes are spent resolving collisions.
    await redisCommand(port, "CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    await redisCommand(port, "CLUSTER", "ADDSLOTSRANGE", from, to);
  }
  for (const { port } of nodes.slice(1)) {
    await redisCommand(first.port, "CLUSTER", "MEET", "127.0.0.1", port);
  }
  await eachSays(nodes, "every cluster node knows every other", async ({ port }) => {
    const lines = (await redisCommand(port, "CLUSTER", "NODES")).trim().split("\n");
    return lines.length === nodes.length && !/handshake|noaddr/.test(lines.join("\n"));
  });
  for (const [index, { port }] of nodes.slice(masters).entries()) {
    await redisCommand(port, "CLUSTER", "REPLICATE", ids[index % masters]);
  }
  await eachSays(nodes, "cluster_state:ok", async ({ port }) =>
    (await redisCommand(port, "CLUSTER", "INFO")).includes("cluster_state:ok"),
  );
  await eachSays(nodes.slice(masters), "replicas in sync", async ({ port }) =>
    (await redisCommand(port, "INFO", "replication")).includes("master_link_status:up"),
  );
}

/**
 * @param {readonly ServerProcess[]} nodes
 * @param {number} slot
 * @returns {Promise<ServerProcess>}
 */
async function masterOf(nodes, slot) {
  for (const node of nodes) {
    /** @type {[number, number, [string, number]][]} */
    const ranges = await redisCommand(node.port, "CLUSTER", "SLOTS").catch(() => []);
    const range = ranges.find(([from, to]) => slot >= from && slot <= to);
    const owner = nodes.find(({ port }) => port === range?.[2][1]);
    // A node that was cut off tells an old story; the owner itself must agree.
    if (owner !== undefined && (await isMaster(owner))) return owner;
  }
  throw new Error(`no live node knows the master of slot ${slot}`);
}

/** @param {ServerProcess} node */
async function isMaster({ port }) {
  const role = await redisCommand(port, "ROLE").catch(() => undefined);
  return role?.[0] === "master";
}

/**
 * A master, a replica and sentinels that know both; resolves when all have met.
 *
 * @param {RedisSentinelOptions} [options]
 * @returns {Promise<RedisSentinel>}
 */
export async function startRedisSentinel(options = {}) {
  const count = options.sentinels ?? 3;
  /** @type {ServerProcess[]} */
  const started = [];
  const stop = () => stopAll(started);
  try {
    const master = await startRedis();
    started.push(master);
    const replica = await startRedis({ args: ["--replicaof", "127.0.0.1", String(master.port)] });
    started.push(replica);
    await eachSays([replica], "replica in sync", async ({ port }) =>
      (await redisCommand(port, "INFO", "replication")).includes("master_link_status:up"),
    );
    const sentinels = await startAll(count, () => launchSentinel(master.port, count, options));
    started.push(...sentinels);
    await eachSays(sentinels, "sentinels have met", async ({ port }) => {
      const fields = await redisCommand(port, "SENTINEL", "MASTER", SENTINEL_NAME);
      const value = (/** @type {string} */ name) => fields[fields.indexOf(name) + 1];
      return value("num-slaves") === "1" && value("num-other-sentinels") === String(count - 1);
    });
    return { master, replica, sentinels, name: SENTINEL_NAME, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {number} masterPort
 * @param {number} count
 * @param {RedisSentinelOptions} options
 */
function launchSentinel(masterPort, count, options) {
  const majority = Math.floor(count / 2) + 1;
  const lines = [
    `sentinel monitor ${SENTINEL_NAME} 127.0.0.1 ${masterPort} ${majority}`,
    `sentinel down-after-milliseconds ${SENTINEL_NAME} ${options.downAfterMs ?? 500}`,
    `sentinel failover-timeout ${SENTINEL_NAME} ${options.failoverTimeoutMs ?? 3_000}`,
  ];
  return startProcess({
    name: "redis",
    binary: redisBinary(),
    scheme: "redis",
    port: undefined,
    args: ({ port, dir }) => {
      // A sentinel rewrites its file as it learns; a restart must not throw that away.
      const file = join(dir, "sentinel.conf");
      const head = [`port ${port}`, "bind 127.0.0.1", `dir ${dir}`];
      writeIfAbsent(file, [...head, ...lines, ""].join("\n"));
      return [file, "--sentinel"];
    },
    ready: async (port) => (await redisCommand(port, "PING")) === "PONG",
  });
}

/**
 * @param {string} file
 * @param {string} text
 */
function writeIfAbsent(file, text) {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
  }
}

/**
 * @param {readonly ServerProcess[]} nodes
 * @param {string} what
 * @param {(node: ServerProcess) => Promise<boolean>} probe
 */
async function eachSays(nodes, what, probe) {
  await Promise.all(
    nodes.map((node) => until(`${what} (${node.url})`, () => probe(node), { everyMs: 25 })),
  );
}

/**
 * Starts several at once; if one fails, none is left.
 *
 * @param {number} count
 * @param {() => Promise<ServerProcess>} start
 */
export async function startAll(count, start) {
  const results = await Promise.allSettled(Array.from({ length: count }, () => start()));
  const started = results.flatMap((result) =>
    result.status === "fulfilled" ? [result.value] : [],
  );
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await stopAll(started);
    throw failed.reason;
  }
  return started;
}

/** @param {readonly ServerProcess[]} servers */
export async function stopAll(servers) {
  await Promise.all(servers.map((server) => server.stop()));
}
