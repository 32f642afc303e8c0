/**
 * Faults of a Redis that stands alone, against lock, semaphore and read-write lock.
 */
import { describe } from "vitest";

import { needs } from "../../scripts/servers/index.mjs";
import { DURABLE_FAULTS, REDIS_FAULTS } from "./faults-single.ts";
import { matrix } from "./matrix.ts";
import { startSingle } from "./rigs.ts";

const redis = needs("redis");

describe.skipIf(redis.skip)(`locks on a Redis under fire${redis.reason}`, () => {
  matrix("with what it acknowledged on disk", DURABLE_FAULTS, (workers) =>
    startSingle("redis", { workers, persistence: "always" }),
  );
  matrix("with nothing on disk", REDIS_FAULTS, (workers) => startSingle("redis", { workers }));
});
