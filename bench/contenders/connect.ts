/** The Redis connection of a contender: ioredis with its defaults, under the contender's name. */
import { Redis } from "ioredis";

import type { ContenderId } from "./contender.ts";

/** Connects as `id`. What breaks is told by the calls that it breaks. */
export function connect(url: string, id: ContenderId): Redis {
  const redis = new Redis(url, { connectionName: id });
  redis.on("error", () => {});
  return redis;
}
