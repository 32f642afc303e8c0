import fc from "fast-check";
import { expect, it } from "vitest";

import { SeenIds, WINDOW } from "./seen-ids.ts";

it("a number is new once, in whatever order they come, and never once it was left behind", () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -40, max: 40 }) },
    fc.integer({ min: -2 * WINDOW, max: 2 * WINDOW }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const ids = new SeenIds();
      const seen = new Set<number>();
      let highest = 0;
      let at = 1;
      for (const one of steps) {
        at = Math.max(1, at + one);
        const isNew = ids.isNew(at);
        if (seen.has(at)) expect(isNew).toBe(false);
        else if (at > highest - WINDOW + 64) expect(isNew).toBe(true);
        if (isNew) seen.add(at);
        highest = Math.max(highest, at);
      }
    }),
    { numRuns: 300 },
  );
});
