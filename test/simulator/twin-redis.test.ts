/**
 * The twin of Redis against a real Redis.
 */
import type { Backend } from "@quorate/core";
import { redisBackend } from "@quorate/redis";
import { TwinStore } from "@quorate/simulator";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ofBus } from "../../packages/conformance/src/mutants/bus.fixture.ts";
import { ofKv } from "../../packages/conformance/src/mutants/kv.fixture.ts";
import { ofLeases } from "../../packages/conformance/src/mutants/leases.fixture.ts";
import { needs, startRedis } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import { type Comparison, compareMany, freshSeed } from "./diff.ts";
import type { Engine } from "./side.ts";

const redis = needs("redis");

/** What a twin may not do unnoticed. */
const PLANTED = [
  "compare-and-set is not compared",
  "a replay is told as a conflict",
  "the line is not first come, first served",
  "every member of a queue gets every message",
];

describe.skipIf(redis.skip)(`the twin of redis${redis.reason}`, () => {
  let server: ServerProcess;
  let real: Engine;
  const clients: Redis[] = [];
  beforeAll(async () => {
    server = await startRedis();
    real = {
      name: `redis ${server.version}`,
      open: async (namespace) => {
        const client = new Redis({ host: server.host, port: server.port });
        clients.push(client);
        return redisBackend(client, { namespace });
      },
    };
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await server.stop();
  });

  const comparison = (mutate: (backend: Backend) => Backend = (same) => same): Comparison => {
    const store = new TwinStore({ engine: "redis" });
    const open = async (namespace: string) => mutate(store.backend({ namespace }));
    return { twin: { name: "twin", open }, real, lapseMs: 150, operations: 40 };
  };

  it("promises what the real one does", async () => {
    const twin = new TwinStore({ engine: "redis" }).backend();
    const backend = await real.open("promises");
    await backend.ready();
    expect(twin.capabilities).toEqual(backend.capabilities);
    expect(twin.name).toBe(backend.name);
    expect(twin.kv.fenced === undefined).toBe(backend.kv.fenced === undefined);
    await Promise.all([twin.close(), backend.close()]);
  });

  it("answers as the real one, over 100 random sequences", async () => {
    const seed = freshSeed();
    await expect(
      compareMany(comparison(), { count: 100, width: 12, seed }),
      `seed ${seed}`,
    ).resolves.toBeUndefined();
  }, 60_000);

  it.each(PLANTED)("is told apart where %s", async (name) => {
    const planted = [...ofKv, ...ofLeases, ...ofBus].find((mutant) => mutant.name === name);
    const mutate = planted?.mutate ?? expect.fail(`there is no mutant called ${name}`);
    const options = { count: 80, width: 8, seed: 1 };
    const against = { ...comparison(mutate), operations: 80, patienceMs: 300 };
    await expect(compareMany(against, options)).rejects.toThrow("differ in");
  });
});
