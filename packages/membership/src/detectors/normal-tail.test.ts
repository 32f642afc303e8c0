import { describe, expect, it } from "vitest";

import { IntervalWindow } from "./interval-window.ts";
import { phiOf } from "./normal-tail.ts";

/** The tail by its series near the mean, and by its continued fraction above. */
function tailPhi(z: number): number {
  if (z < 2.5) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 100; n++) sum += term *= (z * z) / (2 * n + 1);
    return -Math.log10(0.5 - (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI));
  }
  let fraction = 0;
  for (let n = 500; n >= 1; n--) fraction = n / (z + fraction);
  const logTail = (-z * z) / 2 - Math.log(z + fraction) - 0.5 * Math.log(2 * Math.PI);
  return -logTail / Math.LN10;
}

describe("the log of the normal tail", () => {
  it.each([
    [0, 0.301_03],
    [3, 2.869_69],
    [5, 6.542_65],
    [8, 15.206_1],
    [10, 23.118_1],
    [-3, 0.000_586_6],
  ])("at %d deviations is %d", (z, phi) => {
    expect(phiOf(z)).toBeCloseTo(phi, 3);
  });

  it("is exact to eight digits everywhere", () => {
    let worst = 0;
    for (let z = 0; z < 100; z += 0.13) {
      worst = Math.max(worst, Math.abs(phiOf(z) - tailPhi(z)) / Math.max(1, tailPhi(z)));
    }
    expect(worst).toBeLessThan(1e-8);
  });

  it("rises and stays finite from far below to far above", () => {
    const phis = Array.from({ length: 60_000 }, (_, index) => phiOf((index - 30_000) / 500));
    expect(phis.findIndex((phi, index) => !(phi >= (phis[index - 1] ?? 0)))).toBe(-1);
    expect(phiOf(1e150)).toBeLessThan(Infinity);
    expect(phiOf(-1e150)).toBe(0);
  });
});

describe("the window", () => {
  it("has the mean and deviation of what is in it, and no drift", () => {
    const window = new IntervalWindow(7);
    const values = Array.from({ length: 5_000 }, (_, index) => 1e6 + Math.sin(index) * 1e-3);
    let worst = 0;
    for (const [index, value] of values.entries()) {
      window.add(value);
      if (index < 6) continue;
      const last = values.slice(index - 6, index + 1);
      const mean = last.reduce((sum, one) => sum + one, 0) / 7;
      const squares = last.reduce((sum, one) => sum + (one - mean) ** 2, 0);
      worst = Math.max(worst, Math.abs(window.mean - mean));
      worst = Math.max(worst, Math.abs(window.deviation - Math.sqrt(squares / 7)));
    }
    expect(worst).toBeLessThan(1e-6);
  });

  it("of constant numbers has no deviation, never NaN (case 24)", () => {
    const window = new IntervalWindow(200);
    let worst = 0;
    for (let index = 0; index < 10_000; index++) {
      window.add(1_000.1);
      if (!(window.deviation <= worst)) worst = window.deviation;
    }
    expect(worst).toBeLessThan(1e-3);
    window.clear();
    expect([window.count, window.mean, window.deviation]).toEqual([0, 0, 0]);
  });
});
