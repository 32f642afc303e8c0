/**
 * Jobs: what is scheduled, what ran, and doing it by hand.
 */
import { nextTick } from "@quorate/cron";
import type { Command } from "../command.ts";
import { BY_HAND, byHand } from "./by-hand.ts";

const list: Command = {
  path: ["cron", "ls"],
  args: [],
  summary: "every job: schedule, what was judged, what runs",
  async run({ q, show, terminal }) {
    const rows = [];
    for await (const job of q.cron.list({ signal: terminal.signal })) {
      rows.push({
        job: job.name,
        schedule: job.schedule,
        judgedUntil: job.judgedUntil,
        next: job.paused === undefined ? nextTick(job.schedule, job.judgedUntil) : undefined,
        paused: job.paused?.why,
        running: job.running.length,
        done: job.counts.done,
        failed: job.counts.failed,
        missed: job.counts.missed,
      });
    }
    show(rows, "no job was ever scheduled");
    return 0;
  },
};

const history: Command = {
  path: ["cron", "history"],
  args: ["job"],
  summary: "the last runs, newest first",
  async run({ q, args: [name = ""], show }) {
    const runs = await q.cron.history(name);
    const rows = runs.map(({ tick, outcome, attempt, by, durationMs, error }) => {
      return { tick, outcome, attempt, by, durationMs: Math.round(durationMs), error };
    });
    show(rows, `nothing is known of ${name}`);
    return rows.some(({ outcome }) => outcome === "failed") ? 1 : 0;
  },
};

const trigger: Command = {
  path: ["cron", "trigger"],
  args: ["job"],
  summary: "runs it now, once over the fleet",
  async run({ q, args: [name = ""], show }) {
    show([{ job: name, ...(await q.cron.trigger(name)) }], "");
    return 0;
  },
};

const pause: Command = {
  path: ["cron", "pause"],
  args: ["job"],
  summary: "no more ticks in the whole fleet, until resume",
  options: BY_HAND,
  async run(context) {
    const [name = ""] = context.args;
    await context.q.cron.pause(name, byHand(context));
    context.show([{ job: name, state: "paused" }], "");
    return 0;
  },
};

const resume: Command = {
  path: ["cron", "resume"],
  args: ["job"],
  summary: "ticks again, from the next one on",
  async run({ q, args: [name = ""], show }) {
    await q.cron.resume(name);
    show([{ job: name, state: "scheduled" }], "");
    return 0;
  },
};

/** The commands about jobs. */
export const CRON_COMMANDS: readonly Command[] = [list, history, trigger, pause, resume];
