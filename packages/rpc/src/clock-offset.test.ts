import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ClockOffset, WINDOW_MS } from "./clock-offset.ts";

describe("the offset of a sender's clock", () => {
  it("is learnt from the quickest message, whatever the clocks say", () => {
    const gap = fc.integer({ min: 0, max: 20_000 });
    const way = fc.integer({ min: 0, max: 500 });
    const skew = fc.integer({ min: -1e9, max: 1e9 });
    const drift = fc.double({ min: -1e-4, max: 1e-4, noNaN: true });
    fc.assert(
      fc.property(skew, drift, fc.array(fc.tuple(gap, way), { maxLength: 60 }), (...world) => {
        const [skewMs, driftShare, sent] = world;
        let nowMs = 1e9;
        const clock = new ClockOffset(nowMs);
        const ways: { readonly atMs: number; readonly wayMs: number }[] = [];
        for (const [gapMs, wayMs] of sent) {
          nowMs += gapMs;
          ways.push({ atMs: nowMs, wayMs });
          const sentMs = (nowMs - wayMs) * (1 + driftShare) + skewMs;
          const transitMs = clock.transitMs(sentMs, nowMs);
          // The quickest of the last window is known; what clocks drift in two windows is error.
          const recent = ways.filter(({ atMs }) => atMs > nowMs - WINDOW_MS);
          const quickestMs = Math.min(...recent.map((one) => one.wayMs));
          const errorMs = Math.abs(driftShare) * 2.1 * WINDOW_MS + 1;
          expect(transitMs).toBeGreaterThanOrEqual(0);
          expect(transitMs).toBeGreaterThanOrEqual(wayMs - quickestMs - errorMs);
          expect(transitMs).toBeLessThanOrEqual(wayMs + errorMs);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("is forgotten after two windows, and with another era at once", () => {
    const clock = new ClockOffset(0);
    expect(clock.transitMs(0, 0)).toBe(0);
    // The sender's clock stood still for a minute: all it sends seems late.
    expect(clock.transitMs(0, 60_000)).toBe(60_000);
    expect(clock.transitMs(1, 60_001, 1)).toBe(0);
    const other = new ClockOffset(0);
    other.transitMs(0, 0);
    expect(other.transitMs(0, 2 * WINDOW_MS)).toBe(0);
  });
});
