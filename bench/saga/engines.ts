/** Backends on the servers of this run, each in a namespace of its own. */
import { connect as connectNats } from "@nats-io/transport-node";
import { type Backend, systemRuntime } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";

/** A backend, and how to leave it. */
export interface Opened {
  readonly backend: Backend;
  close(): Promise<void>;
}

const namespace = (): string => `bench-${systemRuntime.ids.operation()}`;

/** On Redis. */
export async function openRedis(url: string): Promise<Opened> {
  const redis = new Redis(url);
  const backend = redisBackend(redis, { namespace: namespace() });
  await backend.ready();
  return {
    backend,
    close: async () => {
      await backend.close();
      redis.disconnect();
    },
  };
}

/** On NATS JetStream: a stream on disk, as by default. */
export async function openNats(url: string): Promise<Opened> {
  const connection = await connectNats({ servers: url });
  const backend = natsBackend(connection, { namespace: namespace() });
  await backend.ready();
  return {
    backend,
    close: async () => {
      await backend.close();
      await connection.close();
    },
  };
}
