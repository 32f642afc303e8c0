import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ScriptedRuntime, seededRandom } from "./scripted.ts";

describe("a scripted runtime", () => {
  it("moves only when it is told to, and fires timers in order of their time", async () => {
    const runtime = new ScriptedRuntime();
    const fired: string[] = [];
    const at = (ms: number, what: string) =>
      runtime.time.setTimer(ms, () => fired.push(`${what} ${runtime.time.monotonicMs()}`));
    at(20, "late");
    at(10, "first");
    at(10, "second");
    at(0, "now");
    expect(fired).toEqual([]);
    await runtime.advance(10);
    expect(fired).toEqual(["now 0", "first 10", "second 10"]);
    await runtime.advance(9);
    expect(runtime.pendingTimers).toBe(1);
    await runtime.advance(1);
    expect(fired.at(-1)).toBe("late 20");
    expect(runtime.time.wallMs()).toBe(1_767_225_600_020);
  });

  it("lets promises settle between two timers, however long the chain", async () => {
    const runtime = new ScriptedRuntime();
    const order: string[] = [];
    const chain = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      order.push("chain");
    };
    runtime.time.setTimer(1, () => void chain());
    runtime.time.setTimer(1, () => order.push("next"));
    await runtime.advance(1);
    expect(order).toEqual(["chain", "next"]);
  });

  it("fires timers that are set while it advances, if they fall due", async () => {
    const runtime = new ScriptedRuntime();
    let ticks = 0;
    const tick = (): void => {
      ticks += 1;
      runtime.time.setTimer(10, tick);
    };
    tick();
    await runtime.advance(95);
    expect(ticks).toBe(10);
  });

  it("forgets cancelled timers, also when cancelled twice or after firing", async () => {
    const runtime = new ScriptedRuntime();
    let fired = 0;
    const timers = Array.from({ length: 1_000 }, () =>
      runtime.time.setTimer(5, () => (fired += 1)),
    );
    for (const timer of timers.slice(1)) timer.cancel();
    timers[1]?.cancel();
    expect(runtime.pendingTimers).toBe(1);
    await runtime.advance(5);
    timers[0]?.cancel();
    expect([fired, runtime.pendingTimers]).toEqual([1, 0]);
  });

  it("stalls: clocks move, timers fire late", async () => {
    const runtime = new ScriptedRuntime();
    const at: number[] = [];
    runtime.time.setTimer(10, () => at.push(runtime.time.monotonicMs()));
    runtime.stall(500);
    expect(at).toEqual([]);
    await runtime.advance(0);
    expect(at).toEqual([500]);
  });

  it("sleeps: the wall clock alone moves", async () => {
    const runtime = new ScriptedRuntime({ wallMs: 1_000 });
    runtime.sleepMachine(600);
    runtime.stepWallClock(-100);
    expect([runtime.time.monotonicMs(), runtime.time.wallMs()]).toEqual([0, 1_500]);
  });

  it("records events in order", () => {
    const runtime = new ScriptedRuntime();
    const channel = runtime.events.channel<{ n: number }>("lock");
    if (channel.hasSubscribers) channel.publish({ n: 1 });
    expect(runtime.recorded).toEqual([{ name: "lock", event: { n: 1 } }]);
  });

  it("refuses a delay that is not a number, which would never fall due", () => {
    expect(() => new ScriptedRuntime().time.setTimer(Number.NaN, () => {})).toThrow("not a number");
  });

  it("fires in the order of a sorted list, for any set of delays and cancellations", async () => {
    const plan = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 50 }), cancel: fc.boolean() }));
    await fc.assert(
      fc.asyncProperty(plan, async (timers) => {
        const runtime = new ScriptedRuntime();
        const fired: number[] = [];
        const made = timers.map(({ ms }, index) =>
          runtime.time.setTimer(ms, () => fired.push(index)),
        );
        timers.forEach(({ cancel }, index) => cancel && made[index]?.cancel());
        await runtime.advance(50);
        const expected = [...timers.entries()]
          .filter(([, { cancel }]) => !cancel)
          .sort(([i, a], [j, b]) => a.ms - b.ms || i - j)
          .map(([index]) => index);
        expect(fired).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});

describe("seeded chance", () => {
  it("is the same for the same seed, and spreads evenly", () => {
    const [one, two, other] = [seededRandom(5), seededRandom(5), seededRandom(6)];
    const draws = Array.from({ length: 10_000 }, () => one.next());
    expect(draws).toEqual(Array.from({ length: 10_000 }, () => two.next()));
    expect(other.next()).not.toBe(draws[0]);
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    expect(mean).toBeCloseTo(0.5, 1);
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
    expect(new Set(seededRandom(7).bytes(5_000)).size).toBe(256);
  });
});
