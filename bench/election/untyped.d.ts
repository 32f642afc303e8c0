/** safe-redis-leader ships no types; this is the part of it that is used. */
declare module "safe-redis-leader" {
  import type { Redis } from "ioredis";

  interface SafeRedisLeader {
    elect(): Promise<void>;
    stop(): Promise<void>;
    on(event: "elected" | "demoted" | "error", listener: (error?: Error) => void): void;
  }

  export function createSafeRedisLeader(options: {
    readonly asyncRedis: Redis;
    readonly ttl: number;
    readonly wait: number;
    readonly key: string;
  }): Promise<SafeRedisLeader>;
}
