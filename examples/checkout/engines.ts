/**
 * The one line that changes when a service moves from memory to its own Redis or NATS.
 */
import type { Backend } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { redisBackend } from "@quorate/redis";

/** The engines that run on a server. */
export type ServerEngine = "redis" | "nats";

/** A backend with its client; `close` closes both. */
export interface Connection {
  readonly backend: Backend;
  close(): Promise<void>;
}

/** Connects to the server that `REDIS_URL` or `NATS_URL` names. */
export async function connect(engine: ServerEngine, namespace: string): Promise<Connection> {
  return engine === "redis" ? connectRedis(namespace) : connectNats(namespace);
}

async function connectRedis(namespace: string): Promise<Connection> {
  const { Redis } = await import("ioredis");
  const client = new Redis(serverUrl("REDIS_URL"));
  const backend = redisBackend(client, { namespace });
  return {
    backend,
    async close() {
      await backend.close();
      client.disconnect();
    },
  };
}

async function connectNats(namespace: string): Promise<Connection> {
  const { connect: dial } = await import("@nats-io/transport-node");
  const servers = serverUrl("NATS_URL");
  const client = await dial({ servers, maxReconnectAttempts: -1, pingInterval: 5_000 });
  const backend = natsBackend(client, { namespace });
  return {
    backend,
    async close() {
      await backend.close();
      await client.close();
    },
  };
}

function serverUrl(variable: "REDIS_URL" | "NATS_URL"): string {
  const url = process.env[variable];
  if (url === undefined) throw new Error(`${variable} is not set; 'npm start' sets it for you`);
  return url;
}
