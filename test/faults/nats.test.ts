/**
 * Faults of a NATS server that stands alone, against lock, semaphore and read-write lock.
 */
import { describe } from "vitest";

import { needs } from "../../scripts/servers/index.mjs";
import { DURABLE_FAULTS } from "./faults-single.ts";
import { matrix } from "./matrix.ts";
import { startSingle } from "./rigs.ts";

const nats = needs("nats");

describe.skipIf(nats.skip)(`locks on a NATS server under fire${nats.reason}`, () => {
  matrix("one replica, on disk", DURABLE_FAULTS, (workers) => startSingle("nats", { workers }));
});
