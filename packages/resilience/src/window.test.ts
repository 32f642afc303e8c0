import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { CountWindow, type OutcomeWindow, TimeWindow } from "./window.ts";

interface Step {
  readonly waitMs: number;
  readonly isFault: boolean;
  readonly isSlow: boolean;
}

const steps = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10_000 })),
    isFault: fc.boolean(),
    isSlow: fc.boolean(),
  }),
  { maxLength: 200 },
);

const sums = ({ ok, faults, slow }: OutcomeWindow) => ({ ok, faults, slow });

const sumsOf = (list: readonly Step[]) => ({
  ok: list.filter(({ isFault }) => !isFault).length,
  faults: list.filter(({ isFault }) => isFault).length,
  slow: list.filter(({ isSlow }) => isSlow).length,
});

describe("a window by time", () => {
  it("equals a list from which old buckets are struck", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 12 }), (list, buckets) => {
        const window = new TimeWindow(buckets * 10, buckets, true);
        const kept: (Step & { bucket: number })[] = [];
        let nowMs = 5;
        for (const step of list) {
          nowMs += step.waitMs;
          const bucket = Math.floor(nowMs / 10);
          window.add(step.isFault, step.isSlow, nowMs);
          kept.push({ ...step, bucket });
          expect(sums(window)).toEqual(sumsOf(kept.filter((one) => one.bucket > bucket - buckets)));
        }
        window.advance(nowMs + buckets * 10);
        expect(sums(window)).toEqual({ ok: 0, faults: 0, slow: 0 });
      }),
    );
  });

  it("forgets bucket by bucket while nothing happens", () => {
    const window = new TimeWindow(30, 3, false);
    window.add(true, false, 5);
    window.add(false, false, 15);
    window.advance(29);
    expect(sums(window)).toEqual({ ok: 1, faults: 1, slow: 0 });
    window.advance(30);
    expect(sums(window)).toEqual({ ok: 1, faults: 0, slow: 0 });
    window.advance(40);
    expect(sums(window)).toEqual({ ok: 0, faults: 0, slow: 0 });
  });

  it("is as good as new once cleared", () => {
    const window = new TimeWindow(30, 3, true);
    window.add(true, true, 5);
    window.clear();
    window.add(false, false, 6);
    window.advance(40);
    expect(sums(window)).toEqual({ ok: 0, faults: 0, slow: 0 });
  });
});

describe("a window by number", () => {
  it("equals the end of a list, of any size, also after it was cleared", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 50 }), fc.nat(200), (list, size, clearedAt) => {
        const window = new CountWindow(size);
        let kept: Step[] = [];
        for (const [index, step] of list.entries()) {
          if (index === clearedAt) {
            window.clear();
            kept = [];
          }
          window.add(step.isFault, step.isSlow);
          kept.push(step);
          expect(sums(window)).toEqual(sumsOf(kept.slice(-size)));
        }
      }),
    );
  });
});
