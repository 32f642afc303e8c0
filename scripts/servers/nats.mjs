/**
 * Throw-away NATS with JetStream on a file store: one server or a cluster, in three versions.
 *
 * The versions are not cosmetic: compare-and-set on a replicated stream is broken on the oldest,
 * and per-key TTL exists only on the newest.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { natsBinary } from "./find.mjs";
import { freePort } from "./ports.mjs";
import { startProcess } from "./process.mjs";
import { startAll, stopAll } from "./redis.mjs";
import { natsApi, natsPing, until } from "./wire.mjs";

/** @import { NatsCluster, NatsClusterOptions, NatsOptions, ServerProcess } from "./types.ts" */

/**
 * One NATS server on a free loopback port. Its store survives `kill()` and `restart()`.
 *
 * @param {NatsOptions} [options]
 * @returns {Promise<ServerProcess>}
 */
export async function startNats(options = {}) {
  const server = await startProcess({
    name: "nats",
    binary: natsBinary(options.version),
    scheme: "nats",
    port: options.port,
    wrapper: options.wrapper,
    args: ({ port, dir }) => {
      const file = join(dir, "nats.conf");
      const lines = [
        `listen: "127.0.0.1:${port}"`,
        `jetstream { store_dir: ${JSON.stringify(join(dir, "store"))} }`,
        options.config ?? "",
      ];
      writeFileSync(file, `${lines.join("\n")}\n`);
      return ["-c", file, ...(options.args ?? [])];
    },
    ready: natsPing,
  });
  return server;
}

/**
 * A NATS cluster on loopback; resolves when its JetStream meta leader is elected and every node
 * answers through it.
 *
 * @param {NatsClusterOptions} [options]
 * @returns {Promise<NatsCluster>}
 */
export async function startNatsCluster(options = {}) {
  try {
    return await startNatsClusterOnce(options);
  } catch {
    // Another program may have taken a route port between our look and the server's start; then
    // one node stays alone. Fresh ports, and what fails twice is told.
    return startNatsClusterOnce(options);
  }
}

/**
 * @param {NatsClusterOptions} options
 * @returns {Promise<NatsCluster>}
 */
async function startNatsClusterOnce(options) {
  const count = options.nodes ?? 3;
  const routePorts = await distinctPorts(count);
  const routes = routePorts.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  let next = 0;
  const nodes = await startAll(count, () => {
    const index = next++;
    const cluster = `listen: "127.0.0.1:${routePorts[index]}", routes: [${routes}]`;
    return startNats({
      ...(options.version === undefined ? {} : { version: options.version }),
      config: [
        `server_name: "n${index}"`,
        `cluster { name: "quorate", ${cluster} }`,
        options.nodeConfig?.(index) ?? "",
      ].join("\n"),
    });
  });
  const stop = () => stopAll(nodes);
  try {
    await Promise.all(
      nodes.map(({ port }) =>
        until(`JetStream meta leader (port ${port})`, () => hasMetaLeader(port), {
          timeoutMs: 15_000,
          everyMs: 50,
        }),
      ),
    );
    await until("a stream on every node", () => canReplicate(nodes), { timeoutMs: 15_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, urls: nodes.map(({ url }) => url), stop };
}

/**
 * Only the meta leader answers this one, so an answer proves that there is a leader and that this
 * node has a route to it.
 *
 * @param {number} port
 */
async function hasMetaLeader(port) {
  const answer = await natsApi(port, "$JS.API.STREAM.NAMES");
  if (answer.error !== undefined) throw new Error(answer.error.description);
  return true;
}

/**
 * A leader is elected by a majority; the last node may join later, and until then a stream with
 * a replica on each is refused. A test must not have to know that.
 *
 * @param {readonly ServerProcess[]} nodes
 */
async function canReplicate(nodes) {
  const port = nodes[0]?.port ?? 0;
  const name = "QUORATE_RIG_PROBE";
  const stream = { name, subjects: [name], storage: "memory", num_replicas: nodes.length };
  const created = await natsApi(port, `$JS.API.STREAM.CREATE.${name}`, JSON.stringify(stream));
  if (created.error !== undefined) throw new Error(created.error.description);
  const deleted = await natsApi(port, `$JS.API.STREAM.DELETE.${name}`);
  if (deleted.error !== undefined) throw new Error(deleted.error.description);
  return true;
}

/** @param {number} count */
async function distinctPorts(count) {
  /** @type {Set<number>} */
  const ports = new Set();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
