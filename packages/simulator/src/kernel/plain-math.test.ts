import { describe, expect, it } from "vitest";

import { plainExp, plainLog } from "./plain-math.ts";

describe("logarithm and power by basic arithmetic", () => {
  it("agree with the engine's to twelve digits", () => {
    for (const value of [1e-9, 0.1, 0.5, 0.9999999, 1, 1.5, 2, 3, 10, 1e9, 1e300]) {
      expect(Math.abs(plainLog(value) - Math.log(value))).toBeLessThan(
        1e-12 * Math.max(1, Math.abs(Math.log(value))),
      );
    }
    for (const value of [-20, -1, -0.1, 0, 1e-9, 0.5, 1, 3.3, 12, 50]) {
      expect(plainExp(value) / Math.exp(value)).toBeCloseTo(1, 12);
    }
  });
});
