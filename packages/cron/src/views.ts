/**
 * Records as people see them: dates instead of milliseconds, and nothing that is not there.
 */
import type { CurrentRun, JobState, PastRun } from "./cron.ts";
import type { Claimed, JobRecord, Past } from "./record.ts";

/** One line of the history. */
export function pastRun(past: Past): PastRun {
  const { key, tickMs, throughMs, count, outcome, attempt, manual, by, startedMs } = past;
  return {
    key,
    tick: new Date(tickMs),
    ...(throughMs === undefined ? {} : { through: new Date(throughMs) }),
    ...(count === undefined ? {} : { count }),
    outcome,
    attempt,
    manual,
    by,
    startedAt: new Date(startedMs),
    durationMs: past.durationMs,
    ...(past.error === undefined ? {} : { error: past.error }),
  };
}

/** What is known of a job; `own`: what this process adds. */
export function jobState(
  name: string,
  record: JobRecord,
  own: { readonly ownSchedule?: string; readonly next?: Date },
): JobState {
  const { schedule, judgedMs, paused, running, waiting, counts } = record;
  return {
    name,
    schedule,
    ...own,
    judgedUntil: new Date(judgedMs),
    ...(paused === undefined
      ? {}
      : { paused: { by: paused.by, why: paused.why, at: new Date(paused.atMs) } }),
    running: running.map(currentRun),
    waiting: waiting.length,
    counts,
  };
}

function currentRun({
  key,
  tickMs,
  attempt,
  manual,
  by,
  fencingToken,
  startedMs,
}: Claimed): CurrentRun {
  const [tick, startedAt] = [new Date(tickMs), new Date(startedMs)];
  return { key, tick, attempt, manual, by, fencingToken, startedAt };
}
