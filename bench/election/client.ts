/** A Redis connection with ioredis' defaults, one of whose commands can be made to fail. */
import { Redis } from "ioredis";

import type { ElectionId } from "./contender.ts";

/** A client, and the switch. */
export interface FailingClient {
  readonly redis: Redis;
  failNextCommand(): void;
}

/** Connects as `id`. */
export function connectAs(id: ElectionId, url: string): FailingClient {
  const redis = new Redis(url, { connectionName: id });
  redis.on("error", () => {});
  const send = redis.sendCommand.bind(redis);
  let fails = false;
  redis.sendCommand = (...args: Parameters<Redis["sendCommand"]>) => {
    if (!fails) return send(...args);
    fails = false;
    const [command] = args;
    // What a replica says while a failover is on its way.
    command.reject(new Error("READONLY You can't write against a read only replica."));
    return command.promise;
  };
  return { redis, failNextCommand: () => void (fails = true) };
}
