/**
 * The conformance suite with the older line of ioredis: on one Redis, or (its first part) on a
 * cluster, by the day; both with `QUORATE_SLICE=all`.
 */
import { describe } from "vitest";
import { cluster, standalone } from "../packages/redis/src/harness.fixture.ts";
import { needs } from "../scripts/servers/index.mjs";
import { ofToday } from "./support/by-day.ts";
import { redisConformance } from "./support/redis-conformance.ts";

const redis = needs("redis");
const SETUPS = [
  { setup: "one redis", part: "all", start: () => standalone(5) },
  { setup: "a redis cluster", part: 1, start: () => cluster(5) },
] as const;

describe.skipIf(redis.skip).each(ofToday(SETUPS, 2))(
  `$setup by ioredis 5 conforms to the waist${redis.reason}`,
  ({ part, start }) => {
    redisConformance(part, start, ["failover"]);
  },
);
