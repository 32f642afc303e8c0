/**
 * The conformance suite on a cluster of three masters and three replicas, first part.
 */
import { describe } from "vitest";
import { cluster } from "../packages/redis/src/harness.fixture.ts";
import { needs } from "../scripts/servers/index.mjs";
import { redisConformance } from "./support/redis-conformance.ts";

const redis = needs("redis");

describe.skipIf(redis.skip)(
  `a redis cluster (first part) conforms to the waist${redis.reason}`,
  () => {
    redisConformance(1, () => cluster(6), ["failover"]);
  },
);
