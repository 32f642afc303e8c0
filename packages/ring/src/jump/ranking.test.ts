import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fmix32 } from "../hash/murmur3.ts";
import { lastJump } from "./bucket.ts";
import { rankNumbers } from "./ranking.ts";

const half = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const nodes = fc.integer({ min: 1, max: 60 });

describe("rankNumbers", () => {
  it("ranks each node once, the one of jump hash first", () => {
    fc.assert(
      fc.property(half, half, nodes, (high, low, n) => {
        const ranking = rankNumbers(high, low, n, n);
        expect(ranking[0]).toBe(lastJump(high, low, n));
        expect(ranking.toSorted((a, b) => a - b)).toEqual([...Array(n).keys()]);
      }),
    );
  });

  it("begins alike however much of it is asked for", () => {
    fc.assert(
      fc.property(half, half, nodes, nodes, (high, low, n, count) => {
        const all = rankNumbers(high, low, n, n);
        expect(rankNumbers(high, low, n, count)).toEqual(all.slice(0, count));
      }),
    );
  });

  it("loses the last node, and nothing else, when that is taken away", () => {
    fc.assert(
      fc.property(half, half, fc.integer({ min: 2, max: 60 }), (high, low, n) => {
        const without = rankNumbers(high, low, n, n).filter((number) => number !== n - 1);
        expect(rankNumbers(high, low, n - 1, n)).toEqual(without);
      }),
    );
  });

  it("shares every place evenly among all nodes", () => {
    const keys = 30_000;
    const n = 12;
    const counts = [0, 1, 2, 3].map(() => Array.from({ length: n }, () => 0));
    for (let key = 0; key < keys; key++) {
      for (const [place, number] of rankNumbers(fmix32(key), fmix32(~key), n, 4).entries()) {
        (counts[place] as number[])[number]! += 1;
      }
    }
    // Five standard deviations of a binomial: 48 figures, one failure in 36 000 such tests.
    const deviation = Math.sqrt((keys / n) * (1 - 1 / n));
    for (const count of counts.flat()) {
      expect(Math.abs(count - keys / n)).toBeLessThan(5 * deviation);
    }
  });

  it("has no second place that follows from the first", () => {
    // Given the first, the second is any of the others.
    const seconds = new Map<number, number>();
    for (let key = 0; key < 20_000; key++) {
      const [first, second] = rankNumbers(fmix32(key), fmix32(~key), 6, 2) as [number, number];
      if (first === 5) seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    const total = [...seconds.values()].reduce((sum, count) => sum + count, 0);
    for (const number of [0, 1, 2, 3, 4]) {
      const deviation = Math.sqrt(total * 0.2 * 0.8);
      expect(Math.abs((seconds.get(number) ?? 0) - total / 5)).toBeLessThan(5 * deviation);
    }
  });
});
