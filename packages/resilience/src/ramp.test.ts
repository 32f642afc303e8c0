import { expect, it } from "vitest";

import { rampShare } from "./ramp.ts";

it("rises from a tenth to all along a straight line, and stays there", () => {
  expect([0, 5_000, 10_000, 1e9].map((ms) => rampShare(ms, 10_000))).toEqual([0.1, 0.55, 1, 1]);
});

it("without a length lets all through at once", () => {
  expect(rampShare(0, 0)).toBe(1);
});
