import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { NodeClock } from "./node-clock.ts";

const fresh = (): NodeClock => new NodeClock(5_000_000);

describe("a node's clocks", () => {
  it("run with the world until somebody touches them", () => {
    const clock = fresh();
    expect([clock.steadyUs(700), clock.wallUs(700)]).toEqual([700, 5_000_700]);
    expect(clock.worldUs(700)).toBe(700);
  });

  it("take a new rate from the moment on at which it changed", () => {
    const clock = fresh();
    clock.setRate(1_000_000, 1.01);
    expect(clock.steadyUs(1_000_000)).toBe(1_000_000);
    expect(clock.steadyUs(2_000_000)).toBeCloseTo(2_010_000, 6);
    clock.setRate(2_000_000, 0.5);
    expect(clock.steadyUs(2_000_000)).toBeCloseTo(2_010_000, 6);
    expect(clock.steadyUs(4_000_000)).toBeCloseTo(3_010_000, 6);
  });

  it("jump on the wall alone", () => {
    const clock = fresh();
    clock.jump(100, -3_000_000);
    expect([clock.steadyUs(100), clock.wallUs(100)]).toEqual([100, 2_000_100]);
  });

  it("in a sleep stand still on the monotonic side, and run on the wall's", () => {
    const clock = fresh();
    clock.sleep(100);
    expect([clock.steadyUs(900), clock.wallUs(900)]).toEqual([100, 5_000_900]);
    expect(clock.worldUs(200)).toBeUndefined();
    clock.wake(1_000);
    expect(clock.steadyUs(1_050)).toBe(150);
    expect(clock.worldUs(150)).toBe(1_050);
  });

  it("never go back on the monotonic side, and invert it, whatever is done to them", () => {
    const change = fc.record({
      afterUs: fc.nat(10_000_000),
      what: fc.constantFrom("rate", "jump", "sleep", "wake"),
      by: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const clock = fresh();
        let nowUs = 0;
        let steadyUs = clock.steadyUs(0);
        let isAsleep = false;
        for (const { afterUs, what, by } of changes) {
          nowUs += afterUs;
          if (what === "rate") clock.setRate(nowUs, 1 + by / 2_000_000);
          else if (what === "jump") clock.jump(nowUs, by);
          else if (what === "sleep") clock.sleep(nowUs);
          else clock.wake(nowUs);
          if (what === "sleep" || what === "wake") isAsleep = what === "sleep";
          expect(clock.steadyUs(nowUs)).toBeGreaterThanOrEqual(steadyUs - 1e-6);
          steadyUs = clock.steadyUs(nowUs);
          if (!isAsleep) expect(clock.worldUs(steadyUs + 500)).toBeGreaterThan(nowUs);
        }
      }),
    );
  });
});
