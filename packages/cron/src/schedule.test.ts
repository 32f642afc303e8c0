import { isQuorateError } from "@quorate/core";
import { Cron } from "croner";
import { describe, expect, it } from "vitest";
import { parseSchedule, type ScheduleInput } from "./schedule.ts";
import { dueTicks, latestTick } from "./ticks.ts";

const at = (text: string): number => Date.parse(text);

/** The next `count` instants after `from`. */
function instants(when: ScheduleInput, zone: string, from: string, count: number): string[] {
  const schedule = parseSchedule(when, zone);
  const found: string[] = [];
  for (let ms = schedule.next(at(from)); found.length < count && ms !== undefined;) {
    found.push(new Date(ms).toISOString().replace(":00.000Z", "Z"));
    ms = schedule.next(ms);
  }
  return found;
}

describe("a schedule", () => {
  it("is an expression in a zone, by the minute, the second or a nickname", () => {
    expect(instants("*/5 * * * *", "UTC", "2026-11-21T10:00:00Z", 2)).toEqual([
      "2026-11-21T10:05Z",
      "2026-11-21T10:10Z",
    ]);
    expect(instants("*/20 * * * * *", "UTC", "2026-11-21T10:00:00.001Z", 2)).toEqual([
      "2026-11-21T10:00:20.000Z",
      "2026-11-21T10:00:40.000Z",
    ]);
    expect(instants("@daily", "Asia/Tokyo", "2026-11-21T10:00Z", 1)).toEqual(["2026-11-21T15:00Z"]);
  });

  it("comes at the next instant, never at the one that it is asked from", () => {
    const { next } = parseSchedule("0 0 * * *", "UTC");
    expect(next(at("2026-11-21T00:00:00Z"))).toBe(at("2026-11-22T00:00:00Z"));
    expect(next(at("2026-11-21T00:00:00Z") - 1)).toBe(at("2026-11-21T00:00:00Z"));
    expect(next(at("2026-11-20T23:59:59Z") + 0.5)).toBe(at("2026-11-21T00:00:00Z"));
  });

  it("is an interval that counts from 1970", () => {
    const { next, text } = parseSchedule({ everyMs: 7_000 }, "UTC");
    expect([next(0), next(6_999.9), next(7_000)]).toEqual([7_000, 7_000, 14_000]);
    expect(text).toBe("every 7000 ms");
  });

  it("has one text for one meaning", () => {
    const text = (when: string): string => parseSchedule(when, "Europe/Berlin").text;
    expect(text(" */5  * * * * ")).toBe("*/5 * * * * (Europe/Berlin)");
    expect(text("0 3 * * *")).not.toBe(parseSchedule("0 3 * * *", "UTC").text);
  });

  it("asks croner without a look at a clock, and hears the same", () => {
    for (const zone of ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata"]) {
      for (const expression of ["30 2 * * *", "*/30 1-3 * * *", "0 0 1 * *", "5 4 * * sun#2"]) {
        const cron = new Cron(expression, { timezone: zone, paused: true });
        const { next } = parseSchedule(expression, zone);
        let ms = at("2026-01-01T00:00Z");
        for (let count = 0; count < 30; count += 1) {
          const asked = cron.nextRun(new Date(ms))?.getTime();
          expect(next(ms)).toBe(asked);
          ms = asked ?? 0;
        }
      }
    }
  });

  it.each<[unknown, string]>([
    ["", "UTC"],
    ["* * *", "UTC"],
    ["61 * * * *", "UTC"],
    ["2026-11-21T10:00:00", "UTC"],
    ["0 0 30 2 *", "UTC"],
    [`${"0,".repeat(200)}0 * * * *`, "UTC"],
    ["0 3 * * *", "Mars/Olympus"],
    ["0 3 * * *", ""],
    [{ everyMs: 99 }, "UTC"],
    [{ everyMs: 100.5 }, "UTC"],
    [{ everyMs: Infinity }, "UTC"],
    [{}, "UTC"],
    [null, "UTC"],
    [5_000, "UTC"],
  ])("refuses %j in %j", (when, zone) => {
    let error: unknown;
    try {
      parseSchedule(when as ScheduleInput, zone);
    } catch (thrown) {
      error = thrown;
    }
    expect(isQuorateError(error, "INVALID_ARGUMENT")).toBe(true);
  });
});

describe("the two days with a gap or a doubled hour", () => {
  const BERLIN = "Europe/Berlin";
  const NEW_YORK = "America/New_York";

  it("a fixed time that does not exist comes when the gap ends, once", () => {
    expect(instants("30 2 * * *", BERLIN, "2026-03-28T12:00Z", 2)).toEqual([
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
    ]);
    expect(instants("30 2 * * *", NEW_YORK, "2026-03-07T12:00Z", 2)).toEqual([
      "2026-03-08T07:00Z",
      "2026-03-09T06:30Z",
    ]);
  });

  it("a fixed time that exists twice comes once, the first time", () => {
    expect(instants("30 2 * * *", BERLIN, "2026-10-24T12:00Z", 2)).toEqual([
      "2026-10-25T00:30Z",
      "2026-10-26T01:30Z",
    ]);
    expect(instants("30 1 * * *", NEW_YORK, "2026-10-31T12:00Z", 2)).toEqual([
      "2026-11-01T05:30Z",
      "2026-11-02T06:30Z",
    ]);
  });

  it("what comes by the hour or more often comes each hour that there is", () => {
    expect(instants("0 * * * *", BERLIN, "2026-03-28T23:30Z", 3)).toEqual([
      "2026-03-29T00:00Z",
      "2026-03-29T01:00Z",
      "2026-03-29T02:00Z",
    ]);
    expect(instants("*/30 2 * * *", BERLIN, "2026-10-24T12:00Z", 4)).toEqual([
      "2026-10-25T00:00Z",
      "2026-10-25T00:30Z",
      "2026-10-25T01:00Z",
      "2026-10-25T01:30Z",
    ]);
    expect(instants("0 * * * *", NEW_YORK, "2026-11-01T04:30Z", 3)).toEqual([
      "2026-11-01T05:00Z",
      "2026-11-01T06:00Z",
      "2026-11-01T07:00Z",
    ]);
  });
});

describe("what has come due", () => {
  it("is listed while it is few, the newest one by one", () => {
    const every = parseSchedule({ everyMs: 1_000 }, "UTC");
    expect(dueTicks(every, 1_000, 5_500, 2)).toEqual({
      ticks: [4_000, 5_000],
      before: { firstMs: 2_000, lastMs: 3_000, count: 2 },
    });
    expect(dueTicks(every, 1_000, 1_999, 2)).toEqual({ ticks: [], before: undefined });
  });

  it.each(["* * * * * *", "0 0 * * *", "* * * 1 * *", "15,45 8-17 * * mon-fri"])(
    "of decades is named by its ends, and the newest are found: %s",
    (expression) => {
      const schedule = parseSchedule(expression, "Europe/Berlin");
      const fromMs = at("1990-03-05T07:30Z");
      const nowMs = at("2026-07-05T07:30Z");
      const { ticks, before } = dueTicks(schedule, fromMs, nowMs, 20);
      expect(ticks).toHaveLength(20);
      expect(before?.firstMs).toBe(schedule.next(fromMs));
      const listed = [before?.lastMs ?? 0, ...ticks];
      for (const [index, tick] of ticks.entries()) {
        expect(schedule.next(listed[index] ?? 0)).toBe(tick);
      }
      expect(schedule.next(ticks.at(-1) ?? 0)).toBeGreaterThan(nowMs);
    },
  );

  it("has a latest one, if there ever was one", () => {
    const daily = parseSchedule("0 3 * * *", "UTC");
    expect(latestTick(daily, at("2026-11-21T02:59:59.999Z"))).toBe(at("2026-11-20T03:00Z"));
    expect(latestTick(daily, at("2026-11-21T03:00Z"))).toBe(at("2026-11-21T03:00Z"));
    expect(latestTick(parseSchedule("0 0 0 1 1 * 2090", "UTC"), at("2026-11-21T03:00Z"))).toBe(
      undefined,
    );
  });
});
