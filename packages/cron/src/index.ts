/**
 * `@quorate/cron`: scheduled jobs that run once a tick over the fleet, or are declared missed.
 */
export type { TickClaim } from "./called-job.ts";
export type {
  AskOptions,
  ByHand,
  Cron,
  CurrentRun,
  Job,
  JobState,
  PastRun,
  Triggered,
  TriggerOptions,
} from "./cron.ts";
export { createCron } from "./engine.ts";
export type {
  LookFailed,
  RunBegins,
  RunEnded,
  ScheduleDiffers,
  TickClaimed,
  TicksDeclared,
} from "./events.ts";
export { nextTick } from "./next-tick.ts";
export { oncePerTick, type OncePerTickOptions } from "./once-per-tick.ts";
export type {
  CrashPolicy,
  CronOptions,
  JobOptions,
  MissedPolicy,
  OverlapPolicy,
} from "./options.ts";
export type { Outcome } from "./record.ts";
export { type RunCoordinator, runCoordinator } from "./run-coordinator.ts";
export type { JobHandler, RunContext } from "./run.ts";
export type { ScheduleInput } from "./schedule.ts";
