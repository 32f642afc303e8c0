import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { negativeLog } from "./negative-log.ts";

const hash = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** By `Math`, which is exact to some ulp: near 1 through the distance from 1. */
function byMath(value: number): number {
  const uniform = (value + 0.5) / 2 ** 32;
  return uniform > 0.5 ? -Math.log1p(uniform - 1) : -Math.log(uniform);
}

describe("negativeLog", () => {
  it("is the logarithm within 4 ulp", () => {
    fc.assert(
      fc.property(hash, (value) => {
        const expected = byMath(value);
        expect(Math.abs(negativeLog(value) - expected) / expected).toBeLessThan(4 * 2 ** -52);
      }),
      { numRuns: 5_000 },
    );
  });

  it("is above 0 and finite at both ends of the hashes", () => {
    expect(negativeLog(0)).toBeCloseTo(33 * Math.LN2, 12);
    expect(negativeLog(2 ** 32 - 1)).toBeCloseTo(2 ** -33, 19);
    expect(negativeLog(2 ** 32 - 1)).toBeGreaterThan(0);
    expect(negativeLog(-1)).toBe(negativeLog(2 ** 32 - 1));
  });

  it("falls strictly from each hash to the next, across the powers of two and √½ too", () => {
    const seams = Array.from({ length: 32 }, (_, power) => 2 ** power);
    for (const seam of [...seams, ...seams.map((power) => Math.floor(power * 2 * Math.SQRT1_2))]) {
      for (let value = Math.max(0, seam - 3); value < seam + 3; value++) {
        expect(negativeLog(value + 1)).toBeLessThan(negativeLog(value));
      }
    }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 2 }), (value) => {
        expect(negativeLog(value + 1)).toBeLessThan(negativeLog(value));
      }),
    );
  });

  it("is these very bits on every machine", () => {
    const bits = new Float64Array([1, 12_345, 0x7fffffff, 0xdeadbeef].map(negativeLog));
    const hex = Buffer.from(bits.buffer).toString("hex");
    expect(hex).toBe("8e3b476f76c6354025ea4588f2842940ef391aff422ee63f79524cc66ad9c13f");
  });
});
