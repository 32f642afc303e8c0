/**
 * Real servers and broken networks for tests.
 *
 * Every server is a throw-away: free loopback port, directory of its own, no trace after `stop()`
 * nor after a SIGKILL of the process that started it. The programs are those that
 * `npm test` found and named in the environment, or, when a test file is run alone, those that the
 * same search finds without downloading anything.
 */
export { natsAvailable, needs, redisAvailable } from "./find.mjs";
export { startNats, startNatsCluster } from "./nats.mjs";
export { startPostgres } from "./postgres.mjs";
export { startTcpProxy } from "./proxy.mjs";
export { startRedis, startRedisCluster, startRedisSentinel } from "./redis.mjs";

/**
 * @typedef {import("./types.ts").Need} Need
 * @typedef {import("./types.ts").NatsCluster} NatsCluster
 * @typedef {import("./types.ts").NatsLine} NatsLine
 * @typedef {import("./types.ts").RedisCluster} RedisCluster
 * @typedef {import("./types.ts").RedisSentinel} RedisSentinel
 * @typedef {import("./types.ts").ServerName} ServerName
 * @typedef {import("./types.ts").ServerProcess} ServerProcess
 * @typedef {import("./types.ts").TcpProxy} TcpProxy
 */
