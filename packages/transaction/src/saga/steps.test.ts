import fc from "fast-check";
import { expect, it } from "vitest";

import { FRESH_STEP, type StepRecord } from "./record.ts";
import { Steps } from "./steps.ts";

const step = (attempts: number): StepRecord => ({ ...FRESH_STEP, attempts });

it("steps are what a map would be, in the order in which they came up, few or many", () => {
  const name = fc.integer({ min: 0, max: 40 }).map((number) => `step-${number}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.nat()), { maxLength: 80 }), (puts) => {
      const map = new Map<string, StepRecord>();
      let steps: Steps<StepRecord> = Steps.NONE;
      for (const [key, attempts] of puts) {
        const before = [...steps];
        const next = steps.with(key, step(attempts));
        expect([...steps]).toEqual(before); // What somebody holds does not change.
        map.set(key, step(attempts));
        steps = next;
      }
      expect([...steps]).toEqual([...map]);
      expect([...Steps.of(map)]).toEqual([...map]);
      expect(steps.size).toBe(map.size);
      for (let number = 0; number <= 40; number += 1) {
        const key = `step-${number}`;
        expect([steps.has(key), steps.get(key)]).toEqual([map.has(key), map.get(key)]);
      }
    }),
  );
});

it("names of objects' own members are names like others", () => {
  expect(Steps.NONE.get("__proto__")).toBeUndefined();
  const steps: Steps<StepRecord> = Steps.NONE;
  expect(steps.with("__proto__", step(1)).get("__proto__")).toEqual(step(1));
});
