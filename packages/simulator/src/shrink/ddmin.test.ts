import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ddmin } from "./ddmin.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("delta debugging", () => {
  it("finds exactly the items that it takes", async () => {
    const needed = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(needed, async (needs) => {
        const found = await ddmin(numbers(60), (items) =>
          Promise.resolve(needs.every((item) => items.includes(item))),
        );
        expect(found).toEqual([...needs].sort((a, b) => a - b));
      }),
    );
  });

  it("leaves nothing out that it takes, whatever fails", async () => {
    await fc.assert(
      fc.asyncProperty(fc.func(fc.boolean()), async (opinion) => {
        const fails = (items: readonly number[]): boolean => items.length === 12 || opinion(items);
        const found = await ddmin(numbers(12), (items) => Promise.resolve(fails(items)));
        expect(fails(found)).toBe(true);
        const shorter = found.map((one) => found.filter((item) => item !== one));
        if (found.length > 1) expect(shorter.some((items) => fails(items))).toBe(false);
      }),
    );
  });

  it("asks for a short failure in a few dozen runs, not in hundreds", async () => {
    let runs = 0;
    await ddmin(numbers(100), (items) => {
      runs += 1;
      return Promise.resolve(items.includes(17) && items.includes(83));
    });
    expect(runs).toBeLessThan(80);
  });

  it("ends with the smallest list so far when the budget is used up", async () => {
    let budget = 5;
    const found = await ddmin(numbers(64), (items) => {
      budget -= 1;
      return Promise.resolve(budget < 0 ? undefined : items.includes(3));
    });
    expect(found.length).toBeLessThan(64);
    expect(found).toContain(3);
  });
});
