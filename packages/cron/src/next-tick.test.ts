import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextTick } from "./next-tick.ts";
import { parseSchedule } from "./schedule.ts";

const NOON = new Date("2030-01-01T12:00:00Z");

describe("the next tick of a schedule that was written down", () => {
  it.each([
    [{ everyMs: 1_500 }, "UTC"],
    ["0 3 * * *", "Europe/Berlin"],
    ["*/5 * * * * *", "UTC"],
    ["@daily", "Asia/Tokyo"],
  ] as const)("is that of the schedule itself: %j in %s", (input, timeZone) => {
    const schedule = parseSchedule(input, timeZone);
    expect(nextTick(schedule.text, NOON)?.getTime()).toBe(schedule.next(NOON.getTime()));
  });

  it.each([
    "",
    "every day",
    "0 3 * * * (Mars/Olympus)",
    "61 * * * * (UTC)",
    "every 0 ms",
    "x".repeat(600),
  ])("is unknown where the text means nothing here: %j", (text) =>
    expect(nextTick(text, NOON)).toBeUndefined(),
  );

  it("is unknown after a date that is none", () => {
    expect(nextTick("every 500 ms", new Date(Number.NaN))).toBeUndefined();
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, two) => {
        expect(nextTick(`${one} (${two})`, NOON)?.getTime() ?? Infinity).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });
});
