import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { hashOf, hashText, mix, parseSeed, Stream, unitOf } from "./seed.ts";

describe("a seed", () => {
  it("is the same as number, bigint and text, and prints as what it reads", () => {
    for (const seed of [47, 47n, "47", "0x2f", " 0x2f "]) {
      expect(parseSeed(seed)).toEqual({ high: 0, low: 47, text: "0x2f" });
    }
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (seed) => {
        const parsed = parseSeed(seed);
        expect(BigInt(parsed.high) * 2n ** 32n + BigInt(parsed.low)).toBe(seed);
        expect(parseSeed(parsed.text)).toEqual(parsed);
      }),
    );
  });

  it("wraps around at 64 bits", () => {
    expect(parseSeed(2n ** 64n + 5n).text).toBe("0x5");
    expect(parseSeed(-1).text).toBe("0xffffffffffffffff");
  });

  it("is refused by name where it is none", () => {
    for (const seed of ["", "  ", "lucky", 1.5, Number.NaN]) {
      try {
        parseSeed(seed);
        expect.unreachable(String(seed));
      } catch (error) {
        expect(isQuorateError(error, "INVALID_ARGUMENT") && error.details.option).toBe("seed");
      }
    }
  });
});

describe("a stream of chance", () => {
  it("depends on seed and name, and on nothing else", () => {
    const draw = (seed: number | bigint, name: string): number[] => {
      const stream = new Stream(parseSeed(seed), name);
      return Array.from({ length: 5 }, () => stream.uint32());
    };
    expect(draw(1, "a")).toEqual(draw(1, "a"));
    const others = [draw(1, "a"), draw(1, "b"), draw(2, "a"), draw(1n << 32n, "a")];
    expect(new Set(others.map(String)).size).toBe(4);
  });

  it("is spread evenly: mean, bits, and bytes of every value", () => {
    const stream = new Stream(parseSeed(7), "even");
    const draws = Array.from({ length: 40_000 }, () => stream.next());
    expect(draws.reduce((sum, draw) => sum + draw, 0) / draws.length).toBeCloseTo(0.5, 2);
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
    const bytes = stream.bytes(20_001);
    expect(bytes).toHaveLength(20_001);
    expect(new Set(bytes).size).toBe(256);
    for (let bit = 0; bit < 32; bit++) {
      const set = Array.from({ length: 4_000 }, () => (stream.uint32() >>> bit) & 1);
      const share = set.reduce((sum, one) => sum + one, 0) / set.length;
      expect(share, `bit ${bit}`).toBeGreaterThan(0.45);
      expect(share, `bit ${bit}`).toBeLessThan(0.55);
    }
  });

  it("picks within bounds", () => {
    const stream = new Stream(parseSeed(3), "bounds");
    const picks = Array.from({ length: 1_000 }, () => stream.below(3));
    expect(new Set(picks)).toEqual(new Set([0, 1, 2]));
    expect(stream.pick([])).toBeUndefined();
    expect(["a", "b"]).toContain(stream.pick(["a", "b"]));
    for (let index = 0; index < 100; index++) {
      const between = stream.between(5, 6);
      expect(between >= 5 && between < 6).toBe(true);
    }
    expect(stream.some([1, 2, 3], 1)).toEqual([1, 2, 3]);
    expect(stream.some([1, 2, 3], 0)).toEqual([]);
  });
});

describe("hashes", () => {
  it("tell apart key, count and salt", () => {
    const all = [hashOf(1, 2, 3), hashOf(2, 1, 3), hashOf(1, 3, 2), hashOf(1, 2, 4)];
    expect(new Set(all).size).toBe(4);
    expect(new Set([hashText("ab"), hashText("ba"), hashText("ab", 1), hashText("")]).size).toBe(4);
  });

  it("are even in each bit, also over counts that follow each other", () => {
    const units = Array.from({ length: 20_000 }, (_, count) => unitOf(77, count, 1));
    expect(units.reduce((sum, unit) => sum + unit, 0) / units.length).toBeCloseTo(0.5, 2);
    expect(Math.max(...units)).toBeLessThan(1);
    expect(mix(0)).not.toBe(mix(1));
  });
});
