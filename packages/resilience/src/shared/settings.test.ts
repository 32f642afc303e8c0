/**
 * Options of `sharedThrough`, and what is refused.
 */
import { ScriptedRuntime } from "@quorate/core/testing";
import { memoryBackend } from "@quorate/memory";
import { describe, expect, it } from "vitest";

import { breaker } from "../breaker.ts";
import { readSettings, type SharedOptions } from "./settings.ts";
import { sharedThrough } from "./shared-through.ts";

const backend = memoryBackend({ runtime: new ScriptedRuntime() });

describe("sharedThrough", () => {
  it("has defaults for everything", () => {
    expect(readSettings({}, 1)).toEqual({
      name: undefined,
      instance: undefined,
      quorumShare: 0.5,
      minInstances: 2,
      minCalls: 20,
      faultRate: 0.5,
      slowRate: Infinity,
      publishMs: 1_000,
      resetMs: 5_000,
      maxResetMs: 60_000,
      probeLeaseMs: 15_000,
      rampMs: 10_000,
      maxInstances: 1_000,
    });
    expect(readSettings({ resetMs: 90_000 }, 1).maxResetMs).toBe(90_000);
  });

  it.each<[string, object]>([
    ["sharedThrough.publishMS", { publishMS: 5 }],
    ["sharedThrough", 5 as unknown as object],
    ["name", { name: "a/b" }],
    ["name", { name: "" }],
    ["instance", { instance: "a/b" }],
    ["instance", { instance: "x".repeat(65) }],
    ["quorumShare", { quorumShare: 1.1 }],
    ["quorumShare", { quorumShare: Number.NaN }],
    ["minInstances", { minInstances: 1 }],
    ["minInstances", { minInstances: 2.5 }],
    ["minCalls", { minCalls: 0 }],
    ["faultRate", { faultRate: 0 }],
    ["slowRate", { slowRate: 2 }],
    ["publishMs", { publishMs: 0 }],
    ["publishMs", { publishMs: 3_600_000 }],
    ["resetMs", { resetMs: -1 }],
    ["maxResetMs", { resetMs: 5_000, maxResetMs: 4_000 }],
    ["maxResetMs", { maxResetMs: 86_400_000 }],
    ["probeLeaseMs", { probeLeaseMs: 0 }],
    ["rampMs", { rampMs: Infinity }],
    ["maxInstances", { maxInstances: 0 }],
  ])("names %s when it refuses it", (option, options) => {
    expect(() => sharedThrough(backend, options as SharedOptions)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: expect.objectContaining({ option }),
      }),
    );
  });

  it("refuses what is no backend, and a breaker whose name is no segment", () => {
    expect(() => sharedThrough({} as never)).toThrow("backend must be a backend");
    const share = sharedThrough(backend);
    expect(() => breaker({ name: "GET /users", share })).toThrow("give sharedThrough a name");
    const named = sharedThrough(backend, { name: "users" });
    expect(() => breaker({ name: "GET /users", share: named })).not.toThrow();
  });
});
