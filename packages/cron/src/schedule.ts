/**
 * When a job is due: a cron expression in a time zone, or every so many milliseconds.
 *
 * A schedule is a pure function from an instant to the next one after it. The grammar of
 * expressions, time zones and the two days a year with a gap or a doubled hour are croner's; its
 * timers, and every look at a clock, are not used.
 *
 * Guarantees: the same instants in every process that has the same text and the same time zone
 * data (Node's ICU). Intervals count from 1970, so that all processes mean the same instants.
 * Does not guarantee that two versions of Node agree on a zone whose government has just changed
 * its mind.
 */
import { invalidArgument, type Ms } from "@quorate/core";
import { Cron } from "croner";

/** A cron expression of 5 fields, or 6 with seconds, or 7 with years; or an interval. */
export type ScheduleInput = string | { readonly everyMs: Ms };

/** Shortest interval: below it the claims cost more than the jobs. */
export const MIN_EVERY_MS = 100;

const MAX_EXPRESSION_LENGTH = 256;
/** A century of instants; beyond it a `Date` is legal and a schedule is not meant. */
const MAX_EVERY_MS = 3_155_760_000_000;

/** The instants of a job. */
export interface Schedule {
  /** What it says, with its zone: the same text means the same instants. */
  readonly text: string;
  /** The first instant after `afterMs`, wall time; `undefined`: there is none. */
  next(afterMs: Ms): Ms | undefined;
}

/** Reads `input`. @throws INVALID_ARGUMENT it is neither, or never comes. */
export function parseSchedule(input: ScheduleInput, timeZone: string): Schedule {
  if (typeof input === "string") return ofExpression(input, checkTimeZone(timeZone));
  const everyMs = typeof input === "object" && input !== null ? input.everyMs : undefined;
  const isWhole = Number.isSafeInteger(everyMs) && Number(everyMs) <= MAX_EVERY_MS;
  if (everyMs === undefined || !isWhole || everyMs < MIN_EVERY_MS) {
    const expected = `a cron expression, or { everyMs } with an integer >= ${MIN_EVERY_MS}`;
    throw invalidArgument("schedule", everyMs ?? input, expected);
  }
  return {
    text: `every ${everyMs} ms`,
    next: (afterMs) => (Math.floor(afterMs / everyMs) + 1) * everyMs,
  };
}

function checkTimeZone(timeZone: string): string {
  try {
    if (typeof timeZone !== "string" || timeZone === "") throw new RangeError();
    new Intl.DateTimeFormat("en", { timeZone });
    return timeZone;
  } catch {
    throw invalidArgument("timeZone", timeZone, "an IANA time zone, as Europe/Berlin");
  }
}

function ofExpression(expression: string, timeZone: string): Schedule {
  const cron = read(expression, timeZone);
  const next = (afterMs: Ms): Ms | undefined => {
    const after = new Date(afterMs);
    // `nextRun` is this with a look at the clock, which it then does not use; the simulator
    // refuses the look. The version is pinned, and a test holds this to `nextRun`.
    return cron["_nextTarget"](after, after)?.getTime();
  };
  if (next(0) === undefined) {
    throw invalidArgument(
      "schedule",
      expression,
      "an expression that comes (30 February does not)",
    );
  }
  return { text: `${expression.trim().replaceAll(/\s+/g, " ")} (${timeZone})`, next };
}

function read(expression: string, timezone: string): Cron {
  const expected = "a cron expression of 5 to 7 fields, or a nickname as @daily";
  // With a colon croner takes it for a date, which comes once.
  const isPlain = expression.length <= MAX_EXPRESSION_LENGTH && !expression.includes(":");
  if (!isPlain) throw invalidArgument("schedule", expression, expected);
  try {
    return new Cron(expression, { timezone, paused: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "";
    throw invalidArgument("schedule", expression, `${expected} (${reason})`);
  }
}
