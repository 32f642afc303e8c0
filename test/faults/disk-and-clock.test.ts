/**
 * A disk that is full, and a clock that is set. Both need what not every machine grants; where one
 * cannot be had, its line is skipped by name, and says why.
 */
import { describe } from "vitest";

import { needs } from "../../scripts/servers/index.mjs";
import { clockJump, diskFull } from "./faults-special.ts";
import { matrix } from "./matrix.ts";
import { startOnSmallDisk, startSkewed } from "./rigs.ts";
import { cannotMount, cannotSkew } from "./wrappers.ts";

const JUMP_MS = 120_000;

const redis = needs("redis");
const nats = needs("nats");
const noDisk = cannotMount();
const noClock = cannotSkew();

const because = (reason: string): string => (reason === "" ? "" : ` (skipped: ${reason})`);

describe.skipIf(redis.skip || noDisk !== "")(`a Redis on a small disk${because(noDisk)}`, () => {
  matrix("append-only, fsync every second", [diskFull("room")], (workers) =>
    startOnSmallDisk("redis", workers),
  );
});

describe.skipIf(nats.skip || noDisk !== "")(`a NATS on a small disk${because(noDisk)}`, () => {
  matrix("file store", [diskFull("restart")], (workers) => startOnSmallDisk("nats", workers));
});

describe.skipIf(redis.skip || noClock !== "")(
  `a Redis with a wrong clock${because(noClock)}`,
  () => {
    matrix("nothing on disk", [clockJump(JUMP_MS), clockJump(-JUMP_MS)], startSkewed);
  },
);
