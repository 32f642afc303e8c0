/**
 * Jobs: how late, how long, with what outcome. A run is a trace of its own, and its handler runs
 * within its span.
 */
import { ROOT_CONTEXT } from "@opentelemetry/api";

import type { CronHeard } from "../events.ts";
import type { Family } from "../listeners.ts";
import type { Telemetry } from "../telemetry.ts";
import { aroundWork } from "../work.ts";

/** What `count: undefined` stands for: more than a thousand. */
const MANY = 1_000;

/** Hears `cron.*`. */
export function cronFamily(telemetry: Telemetry): Family {
  const jobOf = (job: string) => ({
    "quorate.cron.job": telemetry.name("quorate.cron.job", job),
  });

  function running({ around, attempt, fencingToken, job, key }: CronHeard["running"]): void {
    const named = jobOf(job);
    const span = telemetry.begin(`cron ${named["quorate.cron.job"]}`, {
      attributes: {
        ...named,
        ...telemetry.key("quorate.cron.key", key),
        "quorate.cron.attempt": attempt,
        "quorate.fencing_token": fencingToken,
      },
      within: ROOT_CONTEXT,
    });
    around(aroundWork(span, ROOT_CONTEXT, () => {}));
  }

  return {
    channels: {
      "cron.claimed": ({ job, lateMs }: CronHeard["claimed"]) =>
        telemetry.time("cronLate", lateMs, jobOf(job)),
      "cron.running": running,
      "cron.ended": ({ durationMs, job, outcome }: CronHeard["ended"]) =>
        telemetry.time("cronRun", durationMs, { ...jobOf(job), "quorate.outcome": outcome }),
      "cron.declared": ({ count = MANY, job, outcome }: CronHeard["declared"]) =>
        telemetry.record("cronDeclared", count, { ...jobOf(job), "quorate.outcome": outcome }),
    },
  };
}
