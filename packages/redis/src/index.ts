/**
 * `@quorate/redis`: the waist on Redis 7 or newer, through ioredis.
 */
export { redisBackend } from "./backend.ts";
export type {
  RedisClusterLike,
  RedisLike,
  RedisOptionsLike,
  ScriptArgument,
  ScriptClient,
  SubscriberLike,
} from "./client.ts";
export type { RedisBackendOptions } from "./options.ts";
