import fc from "fast-check";
import { expect, it } from "vitest";

import { RollingRate } from "./rolling.ts";

it("equals a list from which old buckets are struck", () => {
  const step = fc.record({
    skip: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 12 })),
    kind: fc.constantFrom("fire" as const, "fail", "clear", "look"),
  });
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 5 }), (steps, buckets) => {
      let now = 7;
      const rate = new RollingRate(buckets, (nowMs) => nowMs, now);
      let kept: { bucket: number; kind: "fire" | "fail" }[] = [];
      for (const { skip, kind } of steps) {
        now += skip;
        if (kind === "clear") {
          rate.clear();
          kept = [];
        } else if (kind === "look") rate.advance(now);
        else {
          rate[kind](now);
          kept.push({ bucket: now, kind });
        }
        rate.advance(now);
        kept = kept.filter(({ bucket }) => bucket > now - buckets);
        const count = (which: string) => kept.filter((one) => one.kind === which).length;
        expect([rate.fired, rate.faults]).toEqual([count("fire"), count("fail")]);
      }
    }),
  );
});
