/**
 * The next tick of a schedule that another process wrote down: for people and tools that look at
 * jobs without running them.
 */
import { parseSchedule, type ScheduleInput } from "./schedule.ts";

const MAX_TEXT = 512;
const EVERY = /^every (\d{1,13}) ms$/;
const EXPRESSION = /^(.+) \(([^()]+)\)$/;

/**
 * The first instant after `after` of a schedule as `JobState.schedule` says it. The text is foreign
 * input. By the schedule alone: a paused job, or one that nobody runs, has a next tick too.
 *
 * @returns `undefined`: the text cannot be read here, or nothing comes after `after`.
 *
 * @example
 * import { nextTick } from "@quorate/cron";
 * const next = nextTick("0 3 * * * (UTC)", new Date("2030-01-01T12:00:00Z"));
 * console.log(next?.toISOString()); // => 2030-01-02T03:00:00.000Z
 */
export function nextTick(schedule: string, after: Date): Date | undefined {
  if (typeof schedule !== "string" || schedule.length > MAX_TEXT) return undefined;
  try {
    const nextMs = parseSchedule(...written(schedule)).next(after.getTime());
    return nextMs === undefined || Number.isNaN(nextMs) ? undefined : new Date(nextMs);
  } catch {
    return undefined; // Another version's words, or another's zones.
  }
}

function written(text: string): [schedule: ScheduleInput, timeZone: string] {
  const every = EVERY.exec(text)?.[1];
  if (every !== undefined) return [{ everyMs: Number(every) }, "UTC"];
  const [, expression = "", timeZone = ""] = EXPRESSION.exec(text) ?? [];
  return [expression, timeZone];
}
