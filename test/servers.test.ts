/**
 * The rigs themselves: a test that relies on a server being dead, or a reply being lost, is worth
 * what this file proves.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

import { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";

import {
  needs,
  startNats,
  startNatsCluster,
  startPostgres,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  startTcpProxy,
  type NatsLine,
  type ServerProcess,
} from "../scripts/servers/index.mjs";
import { natsPing, postgresQuery, redisCommand, until } from "../scripts/servers/wire.mjs";
import { isAlive } from "./support/alive.ts";

const rigs = new URL("../scripts/servers/index.mjs", import.meta.url).href;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function later<T extends { stop(): Promise<void> }>(rig: T): T {
  cleanups.push(() => rig.stop());
  return rig;
}

/** Starts servers with `code` in a child process, and kills that without warning. */
async function strandedServers(code: string): Promise<{ pids: number[]; dirs: string[] }> {
  const script = `
    import * as rig from ${JSON.stringify(rigs)};
    const servers = [];
    ${code}
    console.log(JSON.stringify(servers.map(({ pid, dir }) => ({ pid, dir }))));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve) =>
    child.stdout.setEncoding("utf8").once("data", resolve),
  );
  const servers = JSON.parse(line) as { pid: number; dir: string }[];
  expect(servers.every(({ pid, dir }) => isAlive(pid) && existsSync(dir))).toBe(true);
  child.kill("SIGKILL");
  return { pids: servers.map(({ pid }) => pid), dirs: servers.map(({ dir }) => dir) };
}

describe.skipIf(needs("redis").skip)("a Redis server", () => {
  it("loses its data over a kill by default and keeps its port", async () => {
    const server = later(await startRedis());
    await redisCommand(server.port, "SET", "k", "v");
    const { pid } = server;
    await server.kill();
    expect(isAlive(pid)).toBe(false);
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await redisCommand(server.port, "GET", "k")).toBeNull();
  });

  it("keeps its data over a kill with an append-only file", async () => {
    const server = later(await startRedis({ appendonly: true }));
    await redisCommand(server.port, "SET", "k", "v");
    await server.kill();
    await server.restart();
    expect(await redisCommand(server.port, "GET", "k")).toBe("v");
  });

  it("keeps silent while paused and answers when resumed", async () => {
    const server = later(await startRedis());
    server.pause();
    const answer = redisCommand(server.port, "PING");
    const first = await Promise.race([answer, new Promise((r) => setTimeout(r, 100, "silence"))]);
    expect(first).toBe("silence");
    server.resume();
    expect(await answer).toBe("PONG");
  });

  it("is gone with its directory after stop, even when paused, and stops twice", async () => {
    const server = await startRedis();
    server.pause();
    await server.stop();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(existsSync(server.dir)).toBe(false);
  });

  it("says what the server said when it cannot start", async () => {
    await expect(startRedis({ args: ["--no-such-option", "1"] })).rejects.toThrow(/no-such-option/);
  });
});

describe.skipIf(needs("redis").skip || needs("nats").skip)("servers of a killed parent", () => {
  it("die and leave no directory, running, paused or restarted", async () => {
    const { pids, dirs } = await strandedServers(`
      servers.push(await rig.startRedis(), await rig.startNats());
      const paused = await rig.startRedis();
      paused.pause();
      const restarted = await rig.startRedis();
      await restarted.kill();
      await restarted.restart();
      const dead = await rig.startRedis();
      servers.push(paused, restarted);
    `);
    await until("no server and no directory", async () => !pids.some(isAlive), { everyMs: 5 });
    await until("no directory is left", async () => !dirs.some((dir) => existsSync(dir)));
    expect(pids).toHaveLength(4);
  });

  it("leave no directory when the server had died before", async () => {
    const { dirs } = await strandedServers(`servers.push(await rig.startRedis());`);
    await until("no directory is left", async () => !dirs.some((dir) => existsSync(dir)));
    expect(dirs).toHaveLength(1);
  });
});

describe.skipIf(needs("redis").skip)("Redis in numbers", () => {
  it("forms a cluster that survives the death of a master", async () => {
    const cluster = later(await startRedisCluster({ nodeTimeoutMs: 1_000 }));
    expect(cluster.nodes).toHaveLength(6);
    const before = await cluster.masterOf(0);
    await before.kill();
    await until("a replica takes over", async () => (await cluster.masterOf(0)) !== before);
    expect((await cluster.masterOf(0)).port).not.toBe(before.port);
  });

  it("fails over under sentinels", async () => {
    const rig = later(await startRedisSentinel());
    const ask = async (): Promise<string> => {
      const port = rig.sentinels[0]?.port ?? 0;
      return (await redisCommand(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", rig.name))[1];
    };
    expect(await ask()).toBe(String(rig.master.port));
    await rig.master.kill();
    await until("the sentinels promote", async () => (await ask()) === String(rig.replica.port));
  });
});

const lines: NatsLine[] = ["2.9", "2.10", "2.15"];

describe.each(lines)("NATS %s", (version) => {
  describe.skipIf(needs(`nats@${version}`).skip)("as a rig", () => {
    it("starts with JetStream, pauses, dies and starts again", async () => {
      const server = later(await startNats({ version }));
      expect(server.version).toMatch(version === "2.15" ? /^\d/ : new RegExp(`^${version}\\.`));
      server.pause();
      const answer = natsPing(server.port);
      const first = await Promise.race([answer, new Promise((r) => setTimeout(r, 100, "silence"))]);
      expect(first).toBe("silence");
      server.resume();
      expect(await answer).toBe(true);
      await server.kill();
      await server.restart();
      expect(await natsPing(server.port)).toBe(true);
    });

    it("forms a cluster that can put a stream on every node", async () => {
      const cluster = later(await startNatsCluster({ version }));
      expect(cluster.urls).toHaveLength(3);
    }, 60_000);
  });
});

describe.skipIf(needs("postgres").skip)("a PostgreSQL server", () => {
  it("keeps over a kill what was committed, and its port", async () => {
    const server = later(await startPostgres());
    const { pid, port } = server;
    expect(server.url).toBe(`postgres://postgres@127.0.0.1:${port}/postgres`);
    await postgresQuery(port, "CREATE TABLE t (n int); INSERT INTO t VALUES (7)");
    await server.kill();
    expect(isAlive(pid)).toBe(false);
    await server.restart();
    expect(await postgresQuery(port, "SELECT n, NULL FROM t")).toEqual([["7", null]]);
  });

  it("prepares transactions only where it was asked to", async () => {
    const plain = later(await startPostgres());
    const prepare = "BEGIN; SELECT 1; PREPARE TRANSACTION 'x'";
    await expect(postgresQuery(plain.port, prepare)).rejects.toThrow(/max_prepared_transactions/);
    const able = later(await startPostgres({ maxPreparedTransactions: 5 }));
    await postgresQuery(able.port, prepare);
    await able.kill();
    await able.restart();
    expect(await postgresQuery(able.port, "SELECT gid FROM pg_prepared_xacts")).toEqual([["x"]]);
  });

  it("keeps silent while paused, on open connections too, and ends all the same", async () => {
    const server = await startPostgres();
    const { port, dir, pid } = server;
    const busy = postgresQuery(port, "SELECT pg_sleep(0.2), 'done'");
    await until("the query runs", async () => {
      const running = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.2)%'";
      return (await postgresQuery(port, running)).length > 1;
    });
    server.pause();
    const first = await Promise.race([busy, new Promise((r) => setTimeout(r, 400, "silence"))]);
    expect(first).toBe("silence");
    server.resume();
    expect((await busy)[0]?.[1]).toBe("done");
    server.pause();
    await server.stop();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(dir)).toBe(false);
  });

  it("says what the server said when it cannot start", async () => {
    await expect(startPostgres({ args: ["-c", "no_such=1"] })).rejects.toThrow(/no_such/);
  });

  it("dies with a killed parent, and leaves no directory", async () => {
    const { pids, dirs } = await strandedServers(`servers.push(await rig.startPostgres());`);
    await until("no server and no directory", async () => !pids.some(isAlive));
    await until("no directory is left", async () => !dirs.some((dir) => existsSync(dir)));
    expect(pids).toHaveLength(1);
  });
});

describe("the fault proxy", () => {
  it("passes bytes both ways and counts connections", async () => {
    const { proxy, client } = await echoThroughProxy();
    expect(await client.ask("hello")).toBe("hello");
    expect(proxy.connections()).toBe(1);
  });

  it("loses exactly the reply of a request that the server has done", async () => {
    const { proxy, client, served } = await echoThroughProxy();
    const cut = proxy.cutAfterNextRequest((chunk) => chunk.includes("second"));
    expect(await client.ask("first")).toBe("first");
    await expect(client.ask("second")).rejects.toThrow(/reset|closed/i);
    await cut;
    expect(served).toEqual(["first", "second"]);
  });

  it("holds replies while requests pass, and delivers them afterwards", async () => {
    const { proxy, client, served } = await echoThroughProxy();
    proxy.pauseReplies(true);
    const answer = client.ask("x");
    await until("the server has it", async () => served.length === 1);
    expect(client.received()).toBe("");
    proxy.pauseReplies(false);
    expect(await answer).toBe("x");
  });

  it("holds requests, so that the server never sees them before it resumes", async () => {
    const { proxy, client, served } = await echoThroughProxy();
    proxy.pauseRequests(true);
    const answer = client.ask("x");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(served).toEqual([]);
    proxy.pauseRequests(false);
    expect(await answer).toBe("x");
  });

  it("delays each way", async () => {
    const { proxy, client } = await echoThroughProxy();
    proxy.delay({ requestsMs: 40, repliesMs: 40 });
    const sentMs = performance.now();
    await client.ask("x");
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(79);
  });

  it("delays replies alone, each by as much as chance wants, and in order", async () => {
    const { proxy, client, served } = await echoThroughProxy();
    const draws = [0.9, 0.1];
    proxy.delay({ repliesMs: 20, jitterMs: 100, random: () => draws.shift() ?? 0 });
    const sentMs = performance.now();
    const answer = client.ask("x");
    await until("the request has passed", async () => served.length === 1);
    expect(client.received()).toBe("");
    expect(await answer).toBe("x");
    expect(performance.now() - sentMs).toBeGreaterThanOrEqual(109);
  });

  it("drops replies by chance, and the connection with them", async () => {
    const { proxy, client, served } = await echoThroughProxy();
    proxy.dropReplies(0.5, () => 0.4);
    await expect(client.ask("x")).rejects.toThrow(/reset|closed/i);
    expect(served).toEqual(["x"]);
  });

  it("cuts all connections and refuses new ones", async () => {
    const { proxy, client, reconnect } = await echoThroughProxy();
    await client.ask("x");
    proxy.refuse(true);
    proxy.cutAll();
    await expect(client.ask("y")).rejects.toThrow();
    expect(proxy.connections()).toBe(0);
    await expect(reconnect().ask("z")).rejects.toThrow();
    proxy.refuse(false);
    expect(await reconnect().ask("z")).toBe("z");
  });

  it.skipIf(needs("redis").skip)("makes ioredis believe that a done write failed", async () => {
    const server: ServerProcess = later(await startRedis());
    const proxy = await startTcpProxy(server);
    cleanups.push(() => proxy.close());
    const redis = new Redis(proxy.url ?? "", { retryStrategy: null, maxRetriesPerRequest: 0 });
    cleanups.push(() => redis.disconnect());
    redis.on("error", () => {});
    await redis.ping();
    const cut = proxy.cutAfterNextRequest(
      (chunk) => chunk.includes("INCR") || chunk.includes("incr"),
    );
    await expect(redis.incr("n")).rejects.toThrow();
    await cut;
    expect(await redisCommand(server.port, "GET", "n")).toBe("1");
  });
});

interface Client {
  ask(text: string): Promise<string>;
  received(): string;
}

/** An echo server, a proxy before it, and a client that talks through it. */
async function echoThroughProxy() {
  const served: string[] = [];
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      served.push(chunk.toString());
      socket.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const proxy = await startTcpProxy({ host: "127.0.0.1", port });
  cleanups.push(async () => {
    await proxy.close();
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { proxy, served, client: dial(proxy.port), reconnect: () => dial(proxy.port) };
}

function dial(port: number): Client {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  let ended: Error | undefined;
  socket.on("data", (chunk) => (received += chunk.toString()));
  socket.on("error", (error) => (ended = error));
  socket.on("close", () => (ended ??= new Error("closed")));
  return {
    received: () => received,
    async ask(text) {
      received = "";
      if (ended === undefined) socket.write(text);
      await until("an answer", async () => received === text || ended !== undefined, {
        everyMs: 2,
      });
      if (ended !== undefined) throw ended;
      return received;
    },
  };
}
