import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jumpBucket, jumpsBelow, lastJump } from "./bucket.ts";

/** Figure 1 of the paper, with integers that have no bounds. */
function byThePaper(key: bigint, buckets: number): number {
  let state = key;
  let bucket = -1;
  for (let next = 0; next < buckets;) {
    bucket = next;
    state = BigInt.asUintN(64, state * 2862933555777941757n + 1n);
    next = Math.floor((bucket + 1) * (2 ** 31 / Number((state >> 33n) + 1n)));
  }
  return bucket;
}

const key64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe("jumpBucket", () => {
  it("passes the vectors of Guava (HashingTest, linearCongruentialGeneratorCompatibility)", () => {
    const golden100 = [
      0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83,
    ];
    expect(golden100.map((_, key) => jumpBucket(key, 100))).toEqual(golden100);
    expect(jumpBucket(10863919174838991n, 11)).toBe(6);
    expect(jumpBucket(2016238256797177309n, 11)).toBe(3);
    expect(jumpBucket(1673758223894951030n, 11)).toBe(5);
    expect(jumpBucket(2, 100_001)).toBe(80_343);
    expect(jumpBucket(2201, 100_001)).toBe(22_152);
    expect(jumpBucket(2202, 100_001)).toBe(15_018);
  });

  it.each([
    [0n, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    [1n, [0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 17, 17]],
    [0xdeadbeefn, [0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16]],
    [0x0ddc0ffeebadf00dn, [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 15, 15, 15, 15]],
  ])("passes the vectors of dgryski/go-jump for key %i, from the C++", (key, expected) => {
    expect(expected.map((_, index) => jumpBucket(key, index + 1))).toEqual(expected);
  });

  it("is the paper's function for every key and number of buckets", () => {
    fc.assert(
      fc.property(key64, fc.integer({ min: 1, max: 2 ** 31 }), (key, buckets) => {
        expect(jumpBucket(key, buckets)).toBe(byThePaper(key, buckets));
      }),
      { numRuns: 3_000 },
    );
  });

  it("carries from the low half of the state to the high one, where that is all ones", () => {
    // The one low half that the multiplier takes to 2³² - 1, under any high half.
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), (high) => {
        const key = (high << 32n) | 0x666313abn;
        expect(jumpBucket(key, 2 ** 31)).toBe(byThePaper(key, 2 ** 31));
      }),
    );
  });

  it("reads a number as the bigint of the same value", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (key) => {
        expect(jumpBucket(key, 1_000)).toBe(jumpBucket(BigInt(key), 1_000));
      }),
    );
  });

  it("reads a negative key as its two's complement, as Java's long", () => {
    fc.assert(
      fc.property(key64, (key) => {
        expect(jumpBucket(BigInt.asIntN(64, key), 1_000)).toBe(jumpBucket(key, 1_000));
      }),
    );
  });

  it("only ever moves a key to the bucket that is new", () => {
    fc.assert(
      fc.property(key64, fc.integer({ min: 1, max: 5_000 }), (key, buckets) => {
        expect([jumpBucket(key, buckets), buckets]).toContain(jumpBucket(key, buckets + 1));
      }),
    );
  });

  it("takes 1 bucket and 2³¹ of them", () => {
    expect(jumpBucket(2n ** 64n - 1n, 1)).toBe(0);
    expect(jumpBucket(2n ** 64n - 1n, 2 ** 31)).toBe(byThePaper(2n ** 64n - 1n, 2 ** 31));
  });

  it.each([0, -1, 2 ** 31 + 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses %d buckets",
    (buckets) => {
      expect(() => jumpBucket(1, buckets)).toThrow(/INVALID_ARGUMENT: buckets must be/);
    },
  );

  it.each([2 ** 53, 0.5, Number.NaN, 2n ** 64n, -(2n ** 63n) - 1n, "1" as unknown as number])(
    "refuses the key %s, which has lost digits or has too many",
    (key) => {
      expect(() => jumpBucket(key, 10)).toThrow(/INVALID_ARGUMENT: key must be/);
    },
  );
});

describe("jumpsBelow", () => {
  it("ends where lastJump does, and lists the buckets of every smaller number", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer({ min: 1, max: 300 }), (high, low, n) => {
        const jumps = jumpsBelow(high, low, n);
        const buckets = Array.from({ length: n }, (_, index) => lastJump(high, low, index + 1));
        expect(jumps).toEqual([...new Set(buckets)]);
      }),
    );
  });
});
