/**
 * The conformance suite on a master with a replica, found through sentinels.
 */
import { describe } from "vitest";
import { sentinel } from "../packages/redis/src/harness.fixture.ts";
import { needs } from "../scripts/servers/index.mjs";
import { redisConformance, WITHOUT_PROXIES } from "./support/redis-conformance.ts";

const redis = needs("redis");

describe.skipIf(redis.skip)(`redis under sentinels conforms to the waist${redis.reason}`, () => {
  redisConformance("all", () => sentinel(6), WITHOUT_PROXIES);
});
