/**
 * What jobs tell the world: events on `runtime.events`, by default `node:diagnostics_channel`.
 *
 * Best effort: a process that dies after its write tells nobody. The record is the truth, and
 * `history()` reads it.
 */
import type { ErrorCode, EventChannel, Events, FencingToken, Ms, WorkBegins } from "@quorate/core";
import type { Outcome, Past } from "./record.ts";

/** `quorate:cron.claimed`: this process has a tick, and is about to run it. */
export interface TickClaimed {
  readonly job: string;
  readonly key: string;
  readonly tickMs: Ms;
  readonly attempt: number;
  readonly fencingToken: FencingToken;
  /** How long after its time; negative: this clock is ahead of who asks. */
  readonly lateMs: Ms;
}

/** `quorate:cron.running`: a handler is about to be called; a tracer may wrap it. */
export interface RunBegins extends WorkBegins {
  readonly job: string;
  readonly key: string;
  readonly fencingToken: FencingToken;
  readonly attempt: number;
  readonly manual: boolean;
}

/** `quorate:cron.ended`: a run of this process has ended. */
export interface RunEnded {
  readonly job: string;
  readonly key: string;
  readonly fencingToken: FencingToken;
  readonly outcome: Outcome;
  readonly durationMs: Ms;
  /** Whether the record says so: false where another had taken the run over. */
  readonly recorded: boolean;
}

/** `quorate:cron.declared`: ticks that are not run, or runs of others that came to nothing. */
export interface TicksDeclared {
  readonly job: string;
  readonly outcome: Outcome;
  readonly key: string;
  readonly firstMs: Ms;
  readonly lastMs: Ms;
  /** `undefined`: more than a thousand. */
  readonly count: number | undefined;
}

/** `quorate:cron.schedule-differs`: another process runs this job by another schedule. */
export interface ScheduleDiffers {
  readonly job: string;
  readonly ours: string;
  readonly theirs: string;
}

/** `quorate:cron.failed`: a look at the record, or a write, failed; another follows. */
export interface LookFailed {
  readonly job: string;
  readonly operation: "look" | "end";
  readonly code: ErrorCode | "UNKNOWN";
  readonly retryInMs: Ms;
}

/** The channels of one `Cron`, looked up once. */
export interface CronEvents {
  readonly claimed: EventChannel<TickClaimed>;
  readonly running: EventChannel<RunBegins>;
  readonly ended: EventChannel<RunEnded>;
  readonly declared: EventChannel<TicksDeclared>;
  readonly scheduleDiffers: EventChannel<ScheduleDiffers>;
  readonly failed: EventChannel<LookFailed>;
}

/** Looks up the channels. */
export function cronEvents(events: Events): CronEvents {
  return {
    claimed: events.channel("cron.claimed"),
    running: events.channel("cron.running"),
    ended: events.channel("cron.ended"),
    declared: events.channel("cron.declared"),
    scheduleDiffers: events.channel("cron.schedule-differs"),
    failed: events.channel("cron.failed"),
  };
}

/** Tells of what joined the history, but for `own`: that is told by `ended`. */
export function tellDeclared(
  events: CronEvents,
  job: string,
  declared: readonly Past[],
  own?: string,
): void {
  if (!events.declared.hasSubscribers) return;
  for (const { key, outcome, tickMs, throughMs, count } of declared) {
    if (key === own) continue;
    const lastMs = throughMs ?? tickMs;
    events.declared.publish({ job, outcome, key, firstMs: tickMs, lastMs, count });
  }
}
