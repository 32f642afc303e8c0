/**
 * The conformance suite on one Redis, with the older line of ioredis.
 */
import { describe } from "vitest";
import { standalone } from "../packages/redis/src/harness.fixture.ts";
import { needs } from "../scripts/servers/index.mjs";
import { redisConformance } from "./support/redis-conformance.ts";

const redis = needs("redis");

describe.skipIf(redis.skip)(`redis by ioredis 5 conforms to the waist${redis.reason}`, () => {
  redisConformance("all", () => standalone(5), ["failover"]);
});
