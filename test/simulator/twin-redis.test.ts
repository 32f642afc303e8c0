/**
 * The twin of Redis against a real Redis.
 */
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe } from "vitest";
import { needs, startRedis } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import type { Engine } from "./side.ts";
import { itIsATwin } from "./twin.ts";

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
  const clients = new Set<Redis>();
  beforeAll(async () => {
    server = await startRedis();
    real = {
      name: `redis ${server.version}`,
      open: async (namespace) => {
        const client = new Redis({ host: server.host, port: server.port });
        clients.add(client);
        const backend = redisBackend(client, { namespace });
        const close = backend.close.bind(backend);
        // A long hunt would use up the server's ten thousand connections.
        backend.close = async (how) => {
          await close(how);
          client.disconnect();
          clients.delete(client);
        };
        return backend;
      },
    };
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await server.stop();
  });

  itIsATwin({ engine: "redis", real: () => real, lapseMs: 150, planted: PLANTED });
});
