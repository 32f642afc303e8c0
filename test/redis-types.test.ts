/**
 * Clients of both lines of ioredis are taken as they are: by the compiler, and when they run.
 */
import { redisBackend, type RedisClusterLike, type RedisLike } from "@quorate/redis";
import { Cluster as Cluster6, Redis as Redis6 } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { describe, expect, it } from "vitest";

const seeds = [{ host: "127.0.0.1", port: 1 }];

describe("clients of ioredis", () => {
  it.each([
    ["6", (): RedisLike => new Redis6({ lazyConnect: true })],
    ["5", (): RedisLike => new Redis5({ lazyConnect: true })],
    ["6, cluster", (): RedisClusterLike => new Cluster6(seeds, { lazyConnect: true })],
    ["5, cluster", (): RedisClusterLike => new Cluster5(seeds, { lazyConnect: true })],
  ])("version %s makes a backend, and no connection", async (_line, open) => {
    const client = open();
    const backend = redisBackend(client);
    expect(client.status).toBe("wait");
    await backend.close();
    expect(client.status).toBe("wait");
  });
});
