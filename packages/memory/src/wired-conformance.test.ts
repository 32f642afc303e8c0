import { runConformance, type TestApi } from "@quorate/conformance";
import { ScriptedRuntime } from "@quorate/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { wiredHarness } from "./wired-harness.fixture.ts";

const test: TestApi = {
  describe,
  // The suite asserts by node:assert, which vitest does not count.
  // oxlint-disable-next-line vitest/valid-title -- the suite names its cases
  it: (name, body) => it(name, async () => expect(await body()).toBeUndefined()),
  afterAll,
};

describe.each([0, 1, 3])("memory over a wire of %i hops conforms to the waist", (hops) => {
  const createHarness = async () => wiredHarness(new ScriptedRuntime(), hops);
  runConformance(test, createHarness, { without: ["failover"] });
});
