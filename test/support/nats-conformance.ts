/**
 * Runs the conformance suite on NATS: on one server with one of the two clients, or on three nodes
 * with both.
 */
import { runConformance, type TestApi } from "@quorate/conformance";
import { afterAll, describe, expect, it } from "vitest";
import type { NatsLine } from "../../scripts/servers/types.ts";
import { natsClusterHarness } from "./nats-cluster-harness.ts";
import { natsHarness, type NatsHarnessOptions } from "./nats-harness.ts";

/** An election takes seconds, and a case may wait for several; each has bounds of its own. */
const CLUSTER_CASE_MS = 60_000;

function testApi(timeoutMs?: number): TestApi {
  return {
    describe,
    // The suite asserts by node:assert, which vitest does not count.
    it: (name, body) =>
      // oxlint-disable-next-line vitest/valid-title -- the suite names its cases
      it(name, async () => expect(await body()).toBeUndefined(), timeoutMs),
    afterAll,
  };
}

/** A process cannot be paused without the test in it, and one server has nobody to fail over to. */
export function natsConformance(options: NatsHarnessOptions): void {
  runConformance(testApi(), () => natsHarness(options), {
    without: ["pauseProcess", "resumeProcess", "failover"],
    scale: 0.2,
    concurrency: 6,
  });
}

/** Three copies: the whole suite, but for pausing a process. */
export function natsClusterConformance(version: NatsLine, only = ""): void {
  runConformance(testApi(CLUSTER_CASE_MS), () => natsClusterHarness(version), {
    without: ["pauseProcess", "resumeProcess"],
    scale: 0.2,
    concurrency: 6,
    only,
  });
}
