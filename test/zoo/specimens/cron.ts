/**
 * Who may run a tick, how often, and what is said of those that nobody ran.
 */
import type { Specimen } from "../specimen.ts";

const MACHINE = "packages/cron/src/machine.ts";
const DESK = "packages/cron/src/desk.ts";
const SCHEDULED = "packages/cron/src/scheduled-job.ts";
const joined = "2026-11-21";

/** Bugs of scheduled jobs. */
export const CRON: readonly Specimen[] = [
  {
    name: "tick-claimed-without-compare",
    story:
      "Who finds the tick unclaimed writes himself in, whatever is there by now: two processes " +
      "look at the same time, and both run it.",
    edits: [
      {
        file: DESK,
        find: "{ expect, operationId, ...bounds });",
        replace: "{ ...(now === undefined ? { expect } : {}), operationId, ...bounds });",
      },
    ],
    foundBy: { scenario: "cron", engine: "memory", profile: "harsh", seeds: 30 },
    joined,
  },
  {
    name: "last-tick-not-monotone",
    story:
      "What is due is counted from this process's clock, not from what was judged: one that is " +
      "set back, or behind, runs the same tick again.",
    edits: [
      {
        file: MACHINE,
        find: "  let floorMs = Math.max(draft.judgedMs, input.seenMs);",
        replace: "  let floorMs = Math.min(draft.judgedMs, nowMs - 1_000);",
      },
    ],
    foundBy: { scenario: "cron", engine: "memory", profile: "jumpy", seeds: 30 },
    joined,
  },
  {
    name: "late-finisher-not-fenced",
    story:
      "A run is ended by its key alone: one that was paused beyond its lease ends its " +
      "successor's run, and the tick is done twice.",
    edits: [
      {
        file: MACHINE,
        find: "key === run.key && owner === run.owner && attempt === run.attempt,",
        replace: "key === run.key && (owner === run.owner || attempt >= run.attempt),",
      },
    ],
    foundBy: { scenario: "cron", engine: "memory", profile: "sluggish", seeds: 60 },
    joined,
  },
  {
    name: "catch-up-stays-due",
    story:
      "The tick that is caught up runs, and what was judged stays where it was: at the next " +
      "look it is late once more, and runs again.",
    edits: [
      {
        file: MACHINE,
        find: "  draft.judgedMs = last;\n  draft.isChanged = true;",
        replace: "  if (fresh.length > 0) draft.judgedMs = last;\n  draft.isChanged = true;",
      },
    ],
    foundBy: { scenario: "cron", engine: "memory", profile: "sleepy", seeds: 60 },
    joined,
  },
  {
    name: "claim-found-twice",
    story:
      "A claim whose answer was lost is found at the next look; so is one that is running " +
      "already, since nobody remembers what was begun.",
    edits: [
      {
        file: SCHEDULED,
        find: "if (claimed.owner !== tenure.owner || ledger.has(claimed)) continue;",
        replace: "if (claimed.owner !== tenure.owner) continue;",
      },
    ],
    foundBy: { scenario: "cron", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
];
