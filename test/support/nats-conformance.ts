/**
 * Runs the conformance suite on one NATS server, with one of the two clients.
 */
import { runConformance, type TestApi } from "@quorate/conformance";
import { afterAll, describe, expect, it } from "vitest";
import { natsHarness, type NatsHarnessOptions } from "./nats-harness.ts";

const test: TestApi = {
  describe,
  // The suite asserts by node:assert, which vitest does not count.
  // oxlint-disable-next-line vitest/valid-title -- the suite names its cases
  it: (name, body) => it(name, async () => expect(await body()).toBeUndefined()),
  afterAll,
};

/** A process cannot be paused without the test in it, and one server has nobody to fail over to. */
export function natsConformance(options: NatsHarnessOptions): void {
  runConformance(test, () => natsHarness(options), {
    without: ["pauseProcess", "resumeProcess", "failover"],
    scale: 0.2,
  });
}
