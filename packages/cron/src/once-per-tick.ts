/**
 * For timers that you have already: croner, `setInterval`, a decorator of a framework.
 *
 * Each process calls the same function whenever its own timer fires. The function finds the tick
 * that the call is for, the latest by the schedule, and runs the handler if no other process has
 * claimed that tick. Timers need not be aligned: one of an interval that fires at any time within
 * it stands for the interval.
 */
import { callable, knownOptions } from "@quorate/core";
import type { TickClaim } from "./called-job.ts";
import type { Cron } from "./cron.ts";
import { parseSchedule, type ScheduleInput } from "./schedule.ts";
import { latestTick } from "./ticks.ts";

/** Options of `oncePerTick`. */
export interface OncePerTickOptions {
  /** IANA zone in which the expression is read: that of the timer. @default "UTC" */
  readonly timeZone?: string;
}

/**
 * A function to hand to a timer in every process: runs `handler` in the one that is first. Resolves
 * to whether that was this one; rejects with what the handler throws, or with the store's error.
 *
 * @throws INVALID_ARGUMENT `when` is no schedule.
 *
 * @example
 * import { createCron, oncePerTick } from "@quorate/cron";
 * import { memoryBackend } from "@quorate/memory";
 * const cron = createCron(memoryBackend());
 * const sweep = oncePerTick(cron, "sweep", { everyMs: 60_000 }, async (claim) => {
 *   console.log(claim.key, claim.fencingToken);
 * });
 * const timer = setInterval(() => void sweep().catch(console.error), 60_000);
 * clearInterval(timer);
 */
export function oncePerTick(
  cron: Cron,
  name: string,
  when: ScheduleInput,
  handler: (claim: TickClaim) => unknown,
  options: OncePerTickOptions = {},
): () => Promise<boolean> {
  knownOptions("options", options, ["timeZone"]);
  callable("handler", handler);
  const schedule = parseSchedule(when, options.timeZone ?? "UTC");
  return async () => {
    const tickMs = latestTick(schedule, cron.backend.runtime.time.wallMs());
    const claim = tickMs === undefined ? undefined : await cron.claimTick(name, new Date(tickMs));
    if (claim === undefined) return false;
    try {
      await handler(claim);
    } catch (error) {
      await claim.end(error ?? "nothing was thrown as an error");
      throw error;
    }
    await claim.end();
    return true;
  };
}
