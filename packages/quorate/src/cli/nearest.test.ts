import { describe, expect, it } from "vitest";
import { nearestTo, slipsBetween } from "./nearest.ts";

describe("the slips between two words", () => {
  it.each([
    ["doctor", "doctor", 0],
    ["doctr", "doctor", 1],
    ["dcotor", "doctor", 1],
    ["doktor", "doctor", 1],
    ["doctorr", "doctor", 1],
    ["", "ls", 2],
    ["kitten", "sitting", 3],
  ])("from %j to %j are %i", (left, right, slips) => {
    expect(slipsBetween(left, right)).toBe(slips);
    expect(slipsBetween(right, left)).toBe(slips);
  });
});

describe("the nearest name", () => {
  it("is the one with the fewest slips", () => {
    expect(nearestTo("memers", ["members", "demo", "top"])).toBe("members");
  });

  it("is none where a guess would be no help", () => {
    expect(nearestTo("frobnicate", ["doctor", "lock ls"])).toBeUndefined();
    expect(nearestTo("x".repeat(10_000), ["x"])).toBeUndefined();
  });
});
