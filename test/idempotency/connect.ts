/**
 * A backend on a real server, by the engine's name.
 */
import type { Backend } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";

import { connectTo } from "../support/nats-client.ts";

/** A backend, and how to leave it. */
export interface Connected {
  readonly backend: Backend;
  close(): Promise<void>;
}

/** Connects to the server at `url`. */
export async function connect(engine: string, url: string, namespace: string): Promise<Connected> {
  if (engine === "redis") {
    const redis = new Redis(url, { retryStrategy: () => 50 });
    redis.on("error", () => {}); // The server is going to be killed.
    const backend = redisBackend(redis, { namespace, requestTimeoutMs: 1_000 });
    return {
      backend,
      close: async () => {
        await backend.close({ graceMs: 0 });
        redis.disconnect();
      },
    };
  }
  const connection = await connectTo("@nats-io/transport-node", url);
  const backend = natsBackend(connection, { namespace, requestTimeoutMs: 1_000 });
  return {
    backend,
    close: async () => {
      await backend.close({ graceMs: 0 });
      await connection.close();
    },
  };
}
