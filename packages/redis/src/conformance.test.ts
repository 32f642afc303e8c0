/**
 * The conformance suite on one Redis, with ioredis 6. Version 5, cluster and sentinels: `test/`.
 */
import { runConformance, type TestApi } from "@quorate/conformance";
import { afterAll, describe, expect, it } from "vitest";
import { needs } from "../../../scripts/servers/index.mjs";
import { standalone } from "./harness.fixture.ts";

const redis = needs("redis");
const test: TestApi = {
  describe,
  // The suite asserts by node:assert, which vitest does not count.
  // oxlint-disable-next-line vitest/valid-title -- the suite names its cases
  it: (name, body) => it(name, async () => expect(await body()).toBeUndefined()),
  afterAll,
};

describe.skipIf(redis.skip)(`redis by ioredis 6 conforms to the waist${redis.reason}`, () => {
  runConformance(test, () => standalone(6), { without: ["failover"], concurrency: 6 });
});
