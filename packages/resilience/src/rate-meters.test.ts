/**
 * Token bucket and GCRA against arithmetic that cannot round: rational numbers over bigints.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Gcra } from "./gcra.ts";
import { checkTerms, rateOf, type RateTerms, toUs } from "./rate-units.ts";
import { type Meter, TokenBucket } from "./token-bucket.ts";

const terms = fc.record({
  limit: fc.integer({ min: 1, max: 100_000 }),
  perMs: fc.oneof(fc.integer({ min: 1, max: 86_400_000 }), fc.constantFrom(0.5, 0.007, 333.333)),
  burst: fc.integer({ min: 1, max: 50 }),
});

const METERS: readonly (readonly [string, (rate: RateTerms) => Meter])[] = [
  ["token bucket", (rate) => new TokenBucket(rateOf(rate), 0)],
  ["gcra", (rate) => new Gcra(rateOf(rate), 0)],
];

/** Credit in permits, times `perUs`, in bigints: no rounding, nothing clever. */
class Oracle {
  readonly #limit: bigint;
  readonly #perUs: bigint;
  readonly #full: bigint;
  #credit: bigint;
  #atUs = 0n;

  constructor({ limit, perMs, burst }: RateTerms) {
    this.#limit = BigInt(limit);
    this.#perUs = BigInt(toUs(perMs));
    this.#full = this.#perUs * BigInt(burst);
    this.#credit = this.#full;
  }

  take(cost: number, nowUs: number): boolean {
    const filled = this.#credit + (BigInt(nowUs) - this.#atUs) * this.#limit;
    this.#credit = filled < this.#full ? filled : this.#full;
    this.#atUs = BigInt(nowUs);
    const price = BigInt(cost) * this.#perUs;
    if (price > this.#credit) return false;
    this.#credit -= price;
    return true;
  }
}

describe.each(METERS)("%s", (_name, meterOf) => {
  const steps = (longestUs: number) =>
    fc.array(
      fc.record({
        restUs: fc.oneof(fc.integer({ min: 0, max: 2 }), fc.nat({ max: longestUs })),
        cost: fc.integer({ min: 0, max: 3 }),
      }),
      { minLength: 1, maxLength: 200 },
    );

  it("decides as exact arithmetic does, at every step", () => {
    fc.assert(
      fc.property(terms, steps(100_000_000), (rate, script) => {
        const meter = meterOf(rate);
        const oracle = new Oracle(rate);
        let nowUs = 0;
        for (const { restUs, cost } of script) {
          nowUs += restUs;
          expect(meter.take(cost, nowUs)).toBe(oracle.take(cost, nowUs));
        }
      }),
    );
  });

  it("lets at most burst + rate · t through in any interval", () => {
    fc.assert(
      fc.property(terms, steps(20_000), (rate, script) => {
        const meter = meterOf(rate);
        const taken: { readonly atUs: bigint; readonly sum: bigint }[] = [];
        let nowUs = 0;
        let sum = 0n;
        for (const { restUs, cost } of script) {
          nowUs += restUs;
          const before = sum;
          if (meter.take(cost, nowUs)) sum += BigInt(cost);
          taken.push({ atUs: BigInt(nowUs), sum: before });
          const perUs = BigInt(toUs(rate.perMs));
          for (const { atUs, sum: until } of taken) {
            const most = BigInt(rate.burst) * perUs + (BigInt(nowUs) - atUs) * BigInt(rate.limit);
            expect((sum - until) * perUs <= most).toBe(true);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it("names the very microsecond at which permits are there", () => {
    fc.assert(
      fc.property(terms, steps(10_000), (rate, script) => {
        const meter = meterOf(rate);
        let nowUs = 0;
        for (const { restUs, cost } of script) {
          nowUs += restUs;
          if (cost > rate.burst || meter.take(cost, nowUs)) continue;
          const waitUs = meter.waitUs(cost, nowUs);
          expect(meter.take(cost, nowUs + waitUs - 1)).toBe(false);
          nowUs += waitUs;
          expect(meter.take(cost, nowUs)).toBe(true);
        }
      }),
    );
  });

  it("has not drifted after ten million operations", () => {
    const rate = { limit: 3, perMs: 0.007, burst: 5 }; // 3 in 7 µs: no decimal fraction is exact.
    const meter = meterOf(rate);
    let taken = 0;
    for (let nowUs = 0; nowUs < 10_000_000; nowUs++) if (meter.take(1, nowUs)) taken += 1;
    // Never at rest for long enough to be full again after the first µs: greedy takes all of it.
    expect(taken).toBe(Math.floor(5 + (3 * 9_999_999) / 7));
  });

  it("is full again after a rest of a century, and never fuller", () => {
    const meter = meterOf({ limit: 99_991, perMs: 86_400_000, burst: 10 });
    expect(meter.take(10, 0)).toBe(true);
    const laterUs = 3_155_760_000_000_000;
    expect(meter.available(laterUs)).toBe(10);
    expect(meter.isFull(laterUs)).toBe(true);
    expect(meter.take(10, laterUs)).toBe(true);
    expect(meter.take(1, laterUs)).toBe(false);
  });

  it("takes permits back, up to what it holds", () => {
    const meter = meterOf({ limit: 1, perMs: 1_000, burst: 2 });
    meter.take(2, 0);
    meter.giveBack(1);
    expect(meter.available(0)).toBe(1);
    meter.giveBack(5);
    expect(meter.available(0)).toBe(2);
  });
});

describe("a token bucket whose rate changes", () => {
  it("fills at the old rate until then, at the new one from then on", () => {
    const bucket = new TokenBucket({ permit: 10, perUs: 1, capacity: 100 }, 0, 0);
    bucket.reshape({ perUs: 2, capacity: 40 }, 30); // 30 units by now
    expect(bucket.available(30)).toBe(3);
    expect(bucket.available(34)).toBe(3);
    expect(bucket.available(35)).toBe(4);
    expect(bucket.available(1_000)).toBe(4);
    bucket.reshape({ perUs: 0, capacity: 0 }, 1_000);
    expect(bucket.available(2_000)).toBe(0);
    expect(bucket.waitUs(1, 2_000)).toBe(Infinity);
  });
});

describe("the terms of a rate", () => {
  it.each([
    [{ limit: 0, perMs: 1, burst: 1 }, "limit"],
    [{ limit: 0.5, perMs: 1, burst: 1 }, "limit"],
    [{ limit: 1, perMs: 0, burst: 1 }, "perMs"],
    [{ limit: 1, perMs: Infinity, burst: 1 }, "perMs"],
    [{ limit: 1, perMs: 1e-9, burst: 1 }, "perMs"],
    [{ limit: 1, perMs: 1, burst: NaN }, "burst"],
  ])("%o names %s", (bad, option) => {
    expect(() => checkTerms(bad)).toThrow(new RegExp(`\\b${option} must be`));
  });

  it("are refused where whole numbers would not do", () => {
    const huge = { limit: 1, perMs: 86_400_000, burst: 1_000_000_000 };
    expect(() => rateOf(huge)).toThrow(/burst must be/);
  });
});
