import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs, startRedis } from "../../../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../../../scripts/servers/types.ts";
import { redisBackend } from "../index.ts";

describe.skipIf(needs("redis").skip)("the index of retentions", () => {
  let server: ServerProcess;
  let client: Redis;
  let backend: ReturnType<typeof redisBackend>;

  beforeAll(async () => {
    server = await startRedis();
    client = new Redis(server.url);
    backend = redisBackend(client, { namespace: "r", partitions: 1 });
    await backend.ready();
  });

  afterAll(async () => {
    await backend.close();
    client.disconnect();
    await server.stop();
  });

  /** Members of the sorted sets: names, and names by end of retention. */
  const indexed = async (): Promise<string[]> => {
    const kinds = await Promise.all(
      (await client.keys("*")).map(async (key) => [key, await client.type(key)] as const),
    );
    const sets = kinds.filter(([, kind]) => kind === "zset").map(([key]) => key);
    return (await Promise.all(sets.map((key) => client.zrange(key, "0", "-1")))).flat();
  };

  /** Each write forgets a little of what is over. */
  const write = (): Promise<unknown> => backend.kv.put("others/one", "x", { ttlMs: 60_000 });

  it.each([
    { change: "extended", ttlsMs: [150, 400] },
    { change: "shortened", ttlsMs: [60_000, 300] },
  ])("finds an entry whose retention was $change when it ends", async ({ change, ttlsMs }) => {
    const key = `entries/${change}`;
    for (const ttlMs of ttlsMs) await backend.kv.put(key, "x", { ttlMs });
    await sleep(200);
    await write();
    expect(await backend.kv.get(key)).toBeDefined();
    expect(await indexed()).toContain(key);
    await sleep(300);
    for (let n = 0; n < 3; n++) await write();
    expect(await backend.kv.get(key)).toBeUndefined();
    expect(await indexed()).not.toContain(key);
  });
});
