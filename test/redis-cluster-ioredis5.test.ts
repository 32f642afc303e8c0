/**
 * The conformance suite on a cluster, with the older line of ioredis, first part.
 */
import { describe } from "vitest";
import { cluster } from "../packages/redis/src/harness.fixture.ts";
import { needs } from "../scripts/servers/index.mjs";
import { redisConformance } from "./support/redis-conformance.ts";

const redis = needs("redis");

describe.skipIf(redis.skip)(
  `a redis cluster by ioredis 5 conforms to the waist${redis.reason}`,
  () => {
    redisConformance(1, () => cluster(5), ["failover"]);
  },
);
