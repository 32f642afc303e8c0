import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OffsetEstimator } from "./offset-estimator.ts";
import { SyncedClock, type SyncedClockOptions } from "./synced-clock.ts";
import { steps, World, worlds } from "./world.fixture.ts";

describe("a synced clock", () => {
  it("holds the true time within its bound and never goes back, whatever happens", () => {
    const reads = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });
    const clocks = fc.record({
      slewPpm: fc.constantFrom(0, 500, 50_000),
      stepForwardMs: fc.constantFrom(0, 128, Infinity),
    });
    fc.assert(
      fc.property(worlds, steps, clocks, reads, (options, history, clockOptions, pattern) => {
        const world = new World(options);
        const { driftPpm } = options;
        const estimator = new OffsetEstimator({ driftPpm });
        const clock = new SyncedClock({ runtime: world, driftPpm, ...clockOptions });
        let lastMs = -Infinity;
        for (const [index, step] of history.entries()) {
          if (step.kind === "run") world.run(step.ms);
          else if (step.kind === "sleep") world.sleep(step.ms);
          else if (step.kind === "set-wall") world.setWall(step.byMs);
          else {
            estimator.add(world.ask(step, 3));
            const estimate = estimator.estimate(world.reading);
            if (estimate !== undefined) clock.adjust(estimate, world.reading);
          }
          if (pattern[index % pattern.length] !== true) continue;
          const { nowMs, errorBoundMs } = clock.now();
          expect(nowMs).toBeGreaterThanOrEqual(lastMs);
          expect(Math.abs(nowMs - world.trueMs)).toBeLessThanOrEqual(errorBoundMs + 0.01);
          lastMs = nowMs;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

/** A clock whose local clocks move only when told. */
function scripted(options: SyncedClockOptions = {}) {
  const runtime = new ScriptedRuntime({ wallMs: 1_000_000 });
  const clock = new SyncedClock({ runtime, driftPpm: 0, ...options });
  return { runtime, clock };
}

describe("before the first estimate", () => {
  it("tells the wall time, and that nothing is known", async () => {
    const { runtime, clock } = scripted();
    expect(clock.isSynced).toBe(false);
    expect(clock.now()).toEqual({ nowMs: 1_000_000, errorBoundMs: Infinity });
    await runtime.advance(50);
    expect(clock.now()).toEqual({ nowMs: 1_000_050, errorBoundMs: Infinity });
  });

  it("may be moved anywhere if nobody has looked, and only forward if somebody has", async () => {
    const unseen = scripted();
    unseen.clock.adjust({ nowMs: 500_000, errorBoundMs: 1 });
    expect(unseen.clock.now().nowMs).toBe(500_000);
    const ahead = scripted();
    ahead.clock.now();
    ahead.clock.adjust({ nowMs: 1_000_010, errorBoundMs: 1 });
    expect(ahead.clock.now().nowMs).toBe(1_000_010);
    const behind = scripted();
    behind.clock.now();
    behind.clock.adjust({ nowMs: 500_000, errorBoundMs: 1 });
    expect(behind.clock.now().nowMs).toBe(1_000_000);
    expect(behind.clock.now().errorBoundMs).toBeCloseTo(500_001, 1);
    await behind.runtime.advance(1_000); // It goes on, a little slower.
    expect(behind.clock.now().nowMs).toBeCloseTo(1_000_999.5, 2);
  });
});

describe("slewing", () => {
  it("gains or loses at most 500 ppm, and the bound holds the distance that is left", async () => {
    for (const behindMs of [100, -100]) {
      const { runtime, clock } = scripted();
      clock.adjust({ nowMs: 1_000_000, errorBoundMs: 1 });
      clock.now();
      clock.adjust({ nowMs: 1_000_000 + behindMs, errorBoundMs: 1 });
      expect(clock.now().nowMs).toBe(1_000_000);
      expect(clock.now().errorBoundMs).toBeCloseTo(101, 1);
      await runtime.advance(100_000);
      expect(clock.now().nowMs).toBeCloseTo(1_100_000 + behindMs / 2, 6);
      expect(clock.now().errorBoundMs).toBeCloseTo(51, 1);
      await runtime.advance(200_000);
      expect(clock.now().nowMs).toBeCloseTo(1_300_000 + behindMs, 6);
      expect(clock.now().errorBoundMs).toBeCloseTo(1, 1);
    }
  });

  it("is given up for a step only forward, and only beyond stepForwardMs", () => {
    const { clock } = scripted();
    clock.adjust({ nowMs: 1_000_000, errorBoundMs: 1 });
    clock.now();
    clock.adjust({ nowMs: 1_000_128, errorBoundMs: 1 });
    expect(clock.now().nowMs).toBe(1_000_000);
    clock.adjust({ nowMs: 1_000_129, errorBoundMs: 1 });
    expect(clock.now().nowMs).toBe(1_000_129);
    clock.adjust({ nowMs: 0, errorBoundMs: 1 });
    expect(clock.now().nowMs).toBe(1_000_129);
    const never = scripted({ stepForwardMs: Infinity });
    never.clock.adjust({ nowMs: 1_000_000, errorBoundMs: 1 });
    never.clock.adjust({ nowMs: 9_000_000, errorBoundMs: 1 });
    expect(never.clock.now().nowMs).toBe(1_000_000);
  });
});

describe("an estimate that comes late", () => {
  it("of a moment before the last reading does not take the clock back", async () => {
    const { runtime, clock } = scripted({ slewPpm: 100_000 });
    clock.adjust({ nowMs: 1_000_000, errorBoundMs: 1 });
    await runtime.advance(1_000);
    const at = { monotonicMs: runtime.time.monotonicMs(), wallMs: runtime.time.wallMs() };
    await runtime.advance(1_000);
    const { nowMs } = clock.now();
    clock.adjust({ nowMs: 900_000, errorBoundMs: 1 }, at);
    expect(clock.now().nowMs).toBeGreaterThanOrEqual(nowMs);
  });
});

describe("the bound", () => {
  it("grows with the drift, and by the length of a sleep", async () => {
    const { runtime, clock } = scripted({ driftPpm: 100 });
    clock.adjust({ nowMs: 1_000_000, errorBoundMs: 2 });
    await runtime.advance(1_000_000);
    expect(clock.now().errorBoundMs).toBeCloseTo(102, 1);
    runtime.sleepMachine(3_600_000);
    expect(clock.now().errorBoundMs).toBeGreaterThan(3_600_000);
    clock.adjust({ nowMs: 1_000_000 + 4_600_000, errorBoundMs: 2 });
    expect(clock.now().errorBoundMs).toBeCloseTo(2, 1);
  });
});

describe("what it refuses", () => {
  it.each([
    [{ nowMs: Number.NaN, errorBoundMs: 1 }],
    [{ nowMs: 5, errorBoundMs: -1 }],
    [{ nowMs: 5, errorBoundMs: Infinity }],
    [{ nowMs: Infinity, errorBoundMs: 1 }],
  ])("an estimate of %j, without a change", (time) => {
    const { clock } = scripted();
    expect(() => clock.adjust(time)).toThrow("INVALID_ARGUMENT");
    expect(clock.isSynced).toBe(false);
  });

  it.each([[{ slewPpm: -1 }], [{ slewPpm: 1e6 }], [{ driftPpm: Number.NaN }], [{ slew: 5 }]])(
    "the options %j",
    (options) => {
      try {
        scripted(options as SyncedClockOptions);
        expect.unreachable();
      } catch (error) {
        expect(isQuorateError(error, "INVALID_ARGUMENT")).toBe(true);
      }
    },
  );
});
