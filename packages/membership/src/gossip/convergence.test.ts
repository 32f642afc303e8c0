/**
 * The law of epidemics, with the machine that runs in production: rounds grow with log n.
 *
 * Push: log2 n + ln n (Pittel, "On Spreading a Rumor", 1987), which is 1.69 rounds a doubling.
 * Push-pull: log3 n + O(log log n) (Karp et al., FOCS 2000), 0.63 a doubling. What never hears of a
 * rumour that each was told m times: e^-m (Demers et al., PODC 1987, §1.4).
 */
import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { slope, spread } from "../../../../bench/gossip/rounds.ts";

const SIZES = [8, 32, 128, 512, 4_096];
const seedsOf = (size: number): readonly number[] => (size > 1_000 ? [1] : [1, 2, 3, 4, 5, 6]);

/** Mean rounds until all know, by log2 of the size. */
function roundsBySize(style: "push" | "push-pull"): readonly (readonly [number, number])[] {
  return SIZES.map((size) => {
    const runs = seedsOf(size).map((seed) =>
      spread({ size, style, random: seededRandom(seed * 7_919 + size) }),
    );
    for (const { residue } of runs) expect(residue).toBe(0);
    const mean = runs.reduce((sum, { rounds }) => sum + rounds, 0) / runs.length;
    return [Math.log2(size), mean];
  });
}

describe("rounds until all know, from 8 to 4096 processes", () => {
  it("grow by 1.69 a doubling with push", () => {
    const points = roundsBySize("push");
    expect(slope(points)).toBeGreaterThan(1.45);
    expect(slope(points)).toBeLessThan(1.95);
    // As the law has it, and not by some other straight line.
    for (const [doublings, rounds] of points) {
      expect(Math.abs(rounds - doublings * (1 + Math.LN2))).toBeLessThan(3);
    }
  });

  it("grow by 0.63 a doubling with push-pull", () => {
    const points = roundsBySize("push-pull");
    expect(slope(points)).toBeGreaterThan(0.45);
    expect(slope(points)).toBeLessThan(0.85);
  });
});

describe("what rumours forget", () => {
  it.each([1, 3])("is e^-m, with m messages a process (stop after %i)", (stopAfter) => {
    const runs = [1, 2, 3].map((seed) =>
      spread({ size: 1_000, style: "push", stopAfter, random: seededRandom(seed) }),
    );
    const mean = (of: (run: (typeof runs)[0]) => number): number =>
      runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
    const residue = mean((run) => run.residue);
    expect(residue).toBeGreaterThan(0);
    expect(Math.abs(Math.log(residue) + mean((run) => run.told))).toBeLessThan(0.35);
  });

  it.each(["push", "push-pull"] as const)(
    "is healed by comparing, at 30 percent loss (%s)",
    (style) => {
      for (const seed of [1, 2, 3]) {
        const random = seededRandom(seed);
        const options = { size: 128, style, lossRate: 0.3, stopAfter: 1, random } as const;
        expect(spread({ ...options, reconcileEvery: 5 })).toMatchObject({ residue: 0 });
      }
    },
  );
});
