/**
 * Another node takes over: who waits goes on, tokens grow, and what was promised is not more.
 */
import type { Backend } from "@quorate/core";
import { redisBackend, type RedisClusterLike, type RedisLike } from "@quorate/redis";
import { Cluster, Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { slotOf } from "../packages/redis/src/slots.ts";
import { needs, startRedisCluster, startRedisSentinel } from "../scripts/servers/index.mjs";
import { granted, pause, until } from "./redis/rig.ts";

const redis = needs("redis");
const IMPATIENT = { retryStrategy: () => 50, connectTimeout: 1_000 };

interface SetUp {
  open(): RedisLike | RedisClusterLike;
  /** Kills the node that has the leases of namespace `test`. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

async function sentinel(): Promise<SetUp> {
  const servers = await startRedisSentinel();
  const sentinels = servers.sentinels.map(({ host, port }) => ({ host, port }));
  return {
    open: () => new Redis({ sentinels, name: servers.name, ...IMPATIENT }),
    kill: () => servers.master.kill(),
    stop: () => servers.stop(),
  };
}

async function cluster(): Promise<SetUp> {
  const servers = await startRedisCluster({ nodeTimeoutMs: 1_000 });
  const seeds = servers.seeds.map(({ host, port }) => ({ host, port }));
  return {
    open: () =>
      new Cluster(seeds, { clusterRetryStrategy: () => 50, redisOptions: { connectTimeout: 500 } }),
    kill: async () => (await servers.masterOf(slotOf("{test/0}"))).kill(),
    stop: () => servers.stop(),
  };
}

describe.skipIf(redis.skip).each([
  ["sentinel", sentinel],
  ["cluster", cluster],
])(`redis failover, %s${redis.reason}`, (_name, setUp) => {
  it("waiters go on, watches converge, tokens and revisions grow", async () => {
    const servers = await setUp();
    const opened: (() => Promise<void>)[] = [];
    const open = (): Backend => {
      const client = servers.open();
      client.on("error", () => {});
      // One partition: the node that is killed is the one that all of this lives on.
      const backend = redisBackend(client, { namespace: "test", partitions: 1 });
      opened.push(async () => {
        await backend.close({ graceMs: 0 });
        (client as Redis).disconnect();
      });
      return backend;
    };
    try {
      const [holder, waiter, watcher] = [open(), open(), open()];
      const grant = granted(await holder.leases.acquire("l", { owner: "h", ttlMs: 30_000 }));
      const before = await holder.kv.put("k/1", "before");
      const seen = new Map<string, string>();
      const watching = (async () => {
        for await (const change of watcher.kv.watch("k/")) {
          if (change.kind === "put") seen.set(change.entry.key, `${change.entry.value.length}`);
        }
      })();
      watching.catch(() => {});
      await until("the watch has begun", () => seen.size === 1);
      const waiting = waiter.leases.acquire("l", { owner: "w", ttlMs: 5_000, waitMs: 60_000 });
      await until("w waits", async () => (await holder.leases.inspect("l")).waiters.length === 1);
      await pause(200);

      await servers.kill();
      const answer = async (): Promise<boolean> =>
        holder.kv.put("k/2", "four").then(
          (result) => result.ok,
          () => false,
        );
      await until("another node serves", answer, 20_000);
      await until("the watch has caught up", () => seen.get("k/2") === "4", 10_000);
      await holder.leases.release(grant).catch(() => "expired");
      const next = granted(await waiting);
      expect(next.fencingToken).toBeGreaterThan(grant.fencingToken);
      const after = await holder.kv.put("k/1", "after");
      if (!before.ok || !after.ok) throw new Error("puts without condition are not refused");
      expect(after.entry.revision).toBeGreaterThan(before.entry.revision);
      expect(holder.capabilities).toMatchObject({
        writes: "async-replicas",
        leaseSafety: "best-effort",
      });
    } finally {
      await Promise.all(opened.map((close) => close()));
      await servers.stop();
    }
  }, 60_000);
});
