import { seededRandom } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { backoff, type Backoff } from "./backoff.ts";

/** The first pauses of `kind`, each with the chance given. */
function pauses(kind: Backoff, randoms: readonly number[]): number[] {
  let previousMs = 0;
  return randoms.map((random, index) => {
    previousMs = kind({ attempt: index + 1, previousMs, random, error: undefined });
    return previousMs;
  });
}

describe("backoff", () => {
  it("full: draws from zero up to a bound that doubles, up to the cap", () => {
    const full = backoff.full({ baseMs: 100, capMs: 350 });
    expect(pauses(full, [0.5, 0.5, 0.5, 0.5])).toEqual([50, 100, 175, 175]);
    expect(pauses(full, [0, 0])).toEqual([0, 0]);
  });

  it("equal: never draws less than half of the bound", () => {
    const equal = backoff.equal({ baseMs: 100, capMs: 400 });
    expect(pauses(equal, [0, 0.5, 0, 0])).toEqual([50, 150, 200, 200]);
  });

  it("decorrelated: draws from the base up to three times the last pause", () => {
    const decorrelated = backoff.decorrelated({ baseMs: 100, capMs: 1_000 });
    expect(pauses(decorrelated, [0.5, 0.5, 0, 0.5])).toEqual([200, 350, 100, 200]);
    expect(pauses(decorrelated, Array(20).fill(0.999)).at(-1)).toBe(1_000);
  });

  it("exponential, constant and list are exact", () => {
    const exponential = backoff.exponential({ baseMs: 10, factor: 3, capMs: 200 });
    expect(pauses(exponential, [0, 0, 0, 0])).toEqual([10, 30, 90, 200]);
    expect(pauses(backoff.constant({ delayMs: 7 }), [0, 0.9])).toEqual([7, 7]);
    expect(pauses(backoff.list([1, 5, 25]), [0, 0, 0, 0, 0])).toEqual([1, 5, 25, 25, 25]);
  });

  it("of 50 ms up to 2 s is the default", () => {
    expect(pauses(backoff.exponential(), Array(8).fill(0)).at(-1)).toBe(2_000);
    expect(pauses(backoff.exponential(), [0])).toEqual([50]);
    expect(pauses(backoff.exponential({ baseMs: 5_000 }), [0])).toEqual([5_000]);
  });

  it("keeps its own copy of a list", () => {
    const delays = [1, 2];
    const list = backoff.list(delays);
    delays[0] = 1_000_000;
    expect(pauses(list, [0])).toEqual([1]);
  });

  it("case 15: is finite and within its bounds after however many attempts", () => {
    const kinds = fc.record({
      baseMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      moreMs: fc.double({ min: 0, max: 1e300, noNaN: true }),
      attempt: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.constant(Number.MAX_SAFE_INTEGER)),
      previousMs: fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(kinds, ({ baseMs, moreMs, attempt, previousMs, seed }) => {
        const bounds = { baseMs, capMs: baseMs + moreMs };
        const step = { attempt, previousMs, random: seededRandom(seed).next(), error: undefined };
        const made = [
          backoff.full(bounds),
          backoff.equal(bounds),
          backoff.decorrelated(bounds),
          backoff.exponential(bounds),
        ].map((kind) => kind(step));
        for (const ms of made) {
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(bounds.capMs);
        }
      }),
    );
  });

  it("decorrelated: is exact also where three times the last pause overflows", () => {
    const capMs = Number.MAX_VALUE;
    const decorrelated = backoff.decorrelated({ baseMs: 1, capMs });
    const step = { attempt: 9, previousMs: capMs, error: undefined };
    expect(decorrelated({ ...step, random: 0 })).toBe(1);
    expect(decorrelated({ ...step, random: 0.999 })).toBeLessThanOrEqual(capMs);
  });

  it("case 15: refuses what is no duration, naming the option", () => {
    for (const bad of [Number.NaN, -1, Infinity, "5"]) {
      expect(() => backoff.full({ baseMs: bad as number })).toThrow(/baseMs must be/);
      expect(() => backoff.full({ capMs: bad as number })).toThrow(/capMs must be/);
      expect(() => backoff.constant({ delayMs: bad as number })).toThrow(/delayMs must be/);
      expect(() => backoff.list([1, bad as number])).toThrow(/delaysMs\[1\] must be/);
    }
    expect(() => backoff.full({ baseMs: 10, capMs: 9 })).toThrow(/capMs must be at least baseMs/);
    expect(() => backoff.exponential({ factor: 0.5 })).toThrow(/factor must be/);
    expect(() => backoff.list([])).toThrow(/delaysMs must be/);
    expect(() => backoff.full({ base: 10 } as object)).toThrow(/backoff.full.base/);
  });
});
