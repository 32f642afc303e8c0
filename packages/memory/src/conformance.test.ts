import { runConformance, type TestApi } from "@quorate/conformance";
import { ScriptedRuntime } from "@quorate/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { memoryHarness } from "./harness.fixture.ts";

const test: TestApi = {
  describe,
  // The suite asserts by node:assert, which vitest does not count.
  // oxlint-disable-next-line vitest/valid-title -- the suite names its cases
  it: (name, body) => it(name, async () => expect(await body()).toBeUndefined()),
  afterAll,
};

describe("memory conforms to the waist", () => {
  runConformance(test, async () => memoryHarness(new ScriptedRuntime()), { without: ["failover"] });
});
