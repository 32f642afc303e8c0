/**
 * The doctor at work: each misconfiguration is made on purpose, on a real server, and found by its
 * id; a server that is set up well gives nothing.
 */
import { connect } from "quorate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../../packages/quorate/src/cli/run.ts";
import {
  needs,
  startNats,
  startNatsCluster,
  startRedis,
  startTcpProxy,
} from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import { redisCommand } from "../../scripts/servers/wire.mjs";
import { cannotSkew, skewedClock } from "../faults/wrappers.ts";
import { typedTerminal } from "../../packages/quorate/src/cli/terminal.fixture.ts";

/** What the doctor says. */
interface Seen {
  readonly code: number;
  readonly ids: readonly string[];
  readonly text: string;
}

/** Asks it for data. */
async function doctor(url: string, ...more: readonly string[]): Promise<Seen> {
  const { own, said } = typedTerminal();
  const code = await runCommandLine(["doctor", "--json", "--url", url, ...more], own);
  expect(said.err).toBe("");
  const report = JSON.parse(said.out) as {
    ok: boolean;
    findings: readonly { id: string; severity: string; found: string; cure: string }[];
  };
  expect(report.ok).toBe(code === 0);
  for (const { cure, found } of report.findings) expect(cure && found).toBeTruthy();
  return { code, ids: report.findings.map(({ id }) => id), text: said.out };
}

const redisNeed = needs("redis");
const natsNeed = needs("nats");
/** As many as this machine has of them are stopped at the end. */
const started: ServerProcess[] = [];
const keep = async (starting: Promise<ServerProcess>): Promise<ServerProcess> => {
  const server = await starting;
  started.push(server);
  return server;
};
afterAll(() => Promise.all(started.map((server) => server.stop())));

describe.skipIf(redisNeed.skip)(`a redis${redisNeed.reason}`, () => {
  let server: ServerProcess;
  const set = (...words: readonly (string | number)[]): Promise<unknown> =>
    redisCommand(server.port, "CONFIG", "SET", ...words);
  beforeAll(async () => {
    server = await keep(startRedis({ appendonly: true }));
  });

  it("that is set up well has nothing wrong", async () => {
    expect(await doctor(server.url)).toMatchObject({ code: 0, ids: [] });
  });

  const misconfigurations = [
    ["redis/eviction", ["maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"]],
    ["redis/memory-full", ["maxmemory", "512kb", "maxmemory-policy", "noeviction"]],
    ["redis/appendfsync", ["maxmemory", "0", "appendfsync", "no"]],
    ["redis/no-persistence", ["appendonly", "no", "save", ""]],
    ["redis/rdb-only", ["save", "3600 1"]],
  ] as const;
  it.each(misconfigurations)("has %s where %j", async (id, settings) => {
    await set(...settings);
    expect(await doctor(server.url)).toMatchObject({ code: 1, ids: [id] });
  });

  it("has memory nearly full", async () => {
    await set("appendonly", "yes", "appendfsync", "always", "save", "");
    const info = String(await redisCommand(server.port, "INFO", "memory"));
    const used = Number(/used_memory:(\d+)/.exec(info)?.[1]);
    await set("maxmemory", Math.round(used * 1.08));
    expect(await doctor(server.url)).toMatchObject({ code: 1, ids: ["redis/memory-nearly-full"] });
    await set("maxmemory", "0");
  });

  it("is a replica, and its master loses grants in a failover", async () => {
    const replica = await keep(
      startRedis({ appendonly: true, args: ["--replicaof", "127.0.0.1", String(server.port)] }),
    );
    await expect
      .poll(() => redisCommand(replica.port, "INFO", "replication"))
      .toContain("master_link_status:up");
    expect(await doctor(replica.url)).toMatchObject({ code: 1, ids: ["redis/replica"] });
    expect((await doctor(server.url)).ids).toEqual(["redis/failover-loses-grants"]);
    await set("min-replicas-to-write", "2");
    expect((await doctor(server.url)).ids).toEqual(["redis/too-few-replicas"]);
    await set("min-replicas-to-write", "1");
    expect(await doctor(server.url)).toMatchObject({ code: 0, ids: [] });
    await replica.stop();
    await set("min-replicas-to-write", "0");
  });

  it("keeps us out, and shows no password; or lets us in without rights", async () => {
    const { host, port } = server;
    const rules = ["on", ">hunter2", "~*", "&*", "+@all", "-evalsha", "-eval"];
    await redisCommand(port, "ACL", "SETUSER", "anna", ...rules);
    const wrong = await doctor(`redis://anna:swordfish@${host}:${port}`);
    expect(wrong).toMatchObject({ code: 1, ids: ["redis/auth"] });
    expect(wrong.text).not.toContain("swordfish");
    const rightless = await doctor(`redis://anna:hunter2@${host}:${port}`);
    expect(rightless).toMatchObject({ code: 1, ids: ["redis/rights"] });
    expect(rightless.text).not.toContain("hunter2");
  });

  it("has a foreign key in the namespace", async () => {
    await redisCommand(server.port, "SET", "{other/0}l", "mine");
    const foreign = await doctor(server.url, "--namespace", "other");
    expect(foreign).toMatchObject({ code: 1, ids: ["store/foreign-record"] });
  });

  it("is too far away for short leases", async () => {
    const proxy = await startTcpProxy(server);
    proxy.delay({ repliesMs: 70 });
    const url = `redis://${proxy.host}:${proxy.port}`;
    try {
      const short = await doctor(url, "--ttl", "300");
      expect(short).toMatchObject({ code: 1, ids: ["link/too-slow"] });
    } finally {
      await proxy.close();
    }
  });

  it.skipIf(cannotSkew() !== "")(`has another time than we have ${cannotSkew()}`, async () => {
    const clock = skewedClock();
    clock.set(90_000);
    const late = await keep(startRedis({ appendonly: true, wrapper: clock.wrapper }));
    const seen = await doctor(late.url);
    clock.remove();
    expect(seen).toMatchObject({ code: 1, ids: ["clock/offset"] });
    expect(seen.text).toMatch(/9[01]\d{3} ms behind/);
  });

  it("is a node of a cluster", async () => {
    const node = await keep(startRedis({ appendonly: true, args: ["--cluster-enabled", "yes"] }));
    expect(await doctor(node.url)).toMatchObject({ code: 1, ids: ["redis/cluster-mode"] });
  });

  it("is not there", async () => {
    const gone = await doctor("redis://anna:hunter2@127.0.0.1:1");
    expect(gone).toMatchObject({ code: 2, ids: ["store/unreachable"] });
    expect(gone.text).not.toContain("hunter2");
  });

  it("tells a person what was found, what it means and the cure", async () => {
    await set("maxmemory", "100mb", "maxmemory-policy", "volatile-lru");
    const { own, said } = typedTerminal();
    expect(await runCommandLine(["doctor", "--url", server.url], own)).toBe(1);
    expect(said.out).toMatch(
      /✗ redis\/eviction: .*volatile-lru.*\n +means .+\n +cure .+noeviction.*\n +more .+#/,
    );
    expect(said.out).not.toContain("\u001b");
  });
});

describe.skipIf(natsNeed.skip)(`a nats-server${natsNeed.reason}`, () => {
  it("that is set up well has nothing wrong, and then each of these", async () => {
    const users = [
      '{ user: "few", password: "hunter2", permissions: { publish: ["x.>"] } }',
      '{ user: "all", password: "hunter2" }',
    ];
    const config = [
      `accounts { A { jetstream: { max_streams: 3, max_file: 10MB }, users: [${users.join()}] }`,
      '  OFF { users: [{ user: "off", password: "hunter2" }] } }',
      "max_payload: 64KB",
      'no_auth_user: "all"', // The rig has no password.
    ];
    const server = await keep(startNats({ config: config.join("\n") }));
    const as = (user: string): string => `nats://${user}@${server.host}:${server.port}`;
    expect((await doctor(as("all:swordfish"))).ids).toEqual(["nats/auth"]);
    expect(await doctor(as("off:hunter2"))).toMatchObject({
      code: 1,
      ids: ["nats/jetstream-off", "nats/max-payload"],
    });
    const few = await doctor(as("few:hunter2"));
    expect(few).toMatchObject({ code: 1, ids: ["nats/rights", "nats/max-payload"] });
    const before = await doctor(as("all:hunter2"));
    expect(before.ids).toEqual(["nats/max-payload", "nats/no-stream"]);
    await use(as("all:hunter2"), "quorate", "one", "two");
    const differs = await doctor(as("all:hunter2"), "--replicas", "3");
    expect(differs.ids).toEqual(["nats/replicas-differ", "nats/max-payload"]);
    const full = await doctor(as("all:hunter2"), "--namespace", "four");
    expect(full.ids).toEqual(["nats/account-full", "nats/max-payload", "nats/no-stream"]);
  });

  it("alone and as it comes is well", async () => {
    const server = await keep(startNats());
    await use(server.url, "quorate");
    expect(await doctor(server.url)).toMatchObject({ code: 0, ids: [] });
  });

  it("in a cluster wants more than one copy", async () => {
    const cluster = await startNatsCluster();
    started.push(...cluster.nodes);
    const [url = ""] = cluster.urls;
    await use(url, "quorate");
    expect(await doctor(url)).toMatchObject({ code: 1, ids: ["nats/one-copy"] });
  });
});

/** Uses namespaces as services do, so that their streams are there. */
async function use(url: string, ...namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    await using q = await connect(url, { namespace });
    await q.lock.run("used", () => {});
  }
}
