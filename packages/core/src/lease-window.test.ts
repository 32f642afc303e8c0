import { describe, expect, it } from "vitest";

import { leaseLeftMs, leaseMarginMs, leaseWindow } from "./lease-window.ts";
import { ScriptedRuntime } from "./testing.ts";

describe("a lease window", () => {
  it("ends before the TTL by 1 % and 2 ms", async () => {
    const { time } = new ScriptedRuntime();
    const window = leaseWindow(time, 10_000);
    expect(leaseMarginMs(10_000)).toBe(102);
    expect(leaseLeftMs(time, window)).toBeCloseTo(9_898);
  });

  it("counts down on both clocks, and is over at zero", async () => {
    const runtime = new ScriptedRuntime();
    const window = leaseWindow(runtime.time, 1_000);
    await runtime.advance(988);
    expect(leaseLeftMs(runtime.time, window)).toBeCloseTo(0);
    runtime.stall(500);
    expect(leaseLeftMs(runtime.time, window)).toBeCloseTo(-500);
  });

  it("is over when the machine slept through it, though the monotonic clock stood still", () => {
    const runtime = new ScriptedRuntime();
    const window = leaseWindow(runtime.time, 30_000);
    runtime.sleepMachine(60_000);
    expect(leaseLeftMs(runtime.time, window)).toBeLessThan(0);
  });

  it("does not grow when somebody sets the wall clock back", () => {
    const runtime = new ScriptedRuntime();
    const window = leaseWindow(runtime.time, 30_000);
    runtime.stepWallClock(-3_600_000);
    expect(leaseLeftMs(runtime.time, window)).toBeLessThan(30_000);
  });

  it("of a TTL that is all margin is over from the start", () => {
    const { time } = new ScriptedRuntime();
    expect(leaseLeftMs(time, leaseWindow(time, 2))).toBeLessThan(0);
  });
});
