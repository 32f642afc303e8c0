/**
 * Faults of servers that have others beside them: sentinels, a Redis cluster, three NATS servers.
 */
import { describe } from "vitest";

import { needs } from "../../scripts/servers/index.mjs";
import { CLUSTER_FAULTS, QUORUM_FAULTS, SENTINEL_FAULTS } from "./faults-special.ts";
import { matrix } from "./matrix.ts";
import { startCluster, startQuorum, startSentinel } from "./rigs.ts";

const redis = needs("redis");
const nats = needs("nats@2.10");

describe.skipIf(redis.skip)(`locks on a Redis with replicas under fire${redis.reason}`, () => {
  for (const fault of SENTINEL_FAULTS) matrix("sentinels", [fault], startSentinel);
  matrix("a cluster", CLUSTER_FAULTS, startCluster);
});

describe.skipIf(nats.skip)(`locks on three NATS servers under fire${nats.reason}`, () => {
  matrix("three replicas", QUORUM_FAULTS, startQuorum);
});
