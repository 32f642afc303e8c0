import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { RecentDurations } from "./percentile.ts";

describe("recent durations", () => {
  it("say nothing before twenty are known", () => {
    const recent = new RecentDurations();
    for (let ms = 1; ms <= 19; ms += 1) recent.add(ms);
    expect(recent.percentile(0.5)).toBeUndefined();
    recent.add(20);
    expect(recent.percentile(0.5)).toBe(10);
  });

  it("forget what is older than the last `size`, within sixteen more", () => {
    const recent = new RecentDurations(50);
    for (let index = 0; index < 50; index += 1) recent.add(1_000);
    expect(recent.percentile(0.95)).toBe(1_000);
    for (let index = 0; index < 64; index += 1) recent.add(5);
    expect(recent.percentile(0.999)).toBe(5);
  });

  it("give the nearest rank of what is remembered", () => {
    const durations = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), {
      minLength: 20,
      maxLength: 300,
    });
    fc.assert(
      fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
        const recent = new RecentDurations(100);
        for (const ms of all) recent.add(ms);
        const kept = all.slice(-100).toSorted((one, other) => one - other);
        expect(recent.percentile(share)).toBe(kept[Math.ceil(share * kept.length) - 1]);
      }),
    );
  });

  it("refuse a size that is too small or too large", () => {
    expect(() => new RecentDurations(19)).toThrow(/size must be/);
    expect(() => new RecentDurations(10_001)).toThrow(/size must be/);
  });
});
