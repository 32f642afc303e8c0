/**
 * Leases on a kv alone: one record, changed on condition, and silence counted by whoever looks.
 */
import type { Specimen } from "../specimen.ts";

const CELL = "packages/core/src/leases-over-kv/cell.ts";
const CLAIMING = "packages/core/src/leases-over-kv/claiming.ts";
const LINE = "packages/core/src/leases-over-kv/line.ts";
const PATIENCE = "packages/core/src/leases-over-kv/patience.ts";
const RECORD = "packages/core/src/leases-over-kv/record.ts";
const joined = "2026-11-21";

/** Bugs of leases over kv. */
export const LEASES_OVER_KV: readonly Specimen[] = [
  {
    name: "take-over-without-compare-and-set",
    story: "Two observers see the same holder dead, both write, and the last one wins.",
    edits: [
      {
        file: CELL,
        find: "this.#kv.put(this.key, value, { expect, timeoutMs });",
        replace: "this.#kv.put(this.key, value, { timeoutMs });",
      },
    ],
    foundBy: { scenario: "lock", engine: "nats", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "two-observers-take-over",
    story: "The write was refused, and its answer read as if it had been made.",
    edits: [
      {
        file: CELL,
        find: "answer = put.ok ? { entry: put.entry } : { current: put.current };",
        replace: "answer = { entry: put.ok ? put.entry : put.current };",
      },
    ],
    foundBy: { scenario: "lock", engine: "nats", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "silence-by-the-writers-wall-clock",
    story: "Holders stamp their sign of life, others compare the stamp with their own clock.",
    edits: [
      {
        file: CELL,
        find: "Math.max(0, startedMs - this.#sightings.beatSinceMs(holder, startedMs));",
        replace: `this.#known.record.holders.get(holder.owner)?.beat === holder.beat
            ? holder.idleMs
            : time.wallMs();`,
      },
      { file: RECORD, find: "holder.token === 0 ? 0 : Math.floor", replace: "Math.floor" },
      {
        file: PATIENCE,
        find: "return by.sightings.beatSinceMs(holder, now.monotonicMs) + allowedMs;",
        replace: "return holder.idleMs + allowedMs - (now.wallMs - now.monotonicMs);",
      },
    ],
    foundBy: { scenario: "lock", engine: "nats", profile: "jumpy", seeds: 20 },
    joined,
  },
  {
    name: "renewals-not-seen",
    story: "Silence is counted from the grant, whatever sign of life has come since.",
    edits: [
      {
        file: "packages/core/src/leases-over-kv/sightings.ts",
        find: "return `${holder.token}:${holder.beat}`;",
        replace: "return `${holder.token}`;",
      },
    ],
    foundBy: { scenario: "runs", engine: "nats", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "kv-claim-counted-from-its-reply",
    story: "The window of a grant begins with the answer to the write that made it.",
    edits: [
      {
        file: "packages/core/src/leases-over-kv/desk.ts",
        find: "const window = leaseWindow(clocks, ttlMs);",
        replace: "void clocks;\n    const window = leaseWindow(this.#runtime.time, ttlMs);",
      },
    ],
    foundBy: { scenario: "drift", engine: "nats", profile: "sluggish", seeds: 300 },
    joined,
  },
  {
    name: "handed-over-for-good",
    story: "Who is granted from the line counts as having taken note, dead or alive.",
    edits: [
      {
        file: LINE,
        find: "grant(draft, waiter, view.isHere(waiter));",
        replace: "grant(draft, waiter, true);",
      },
    ],
    foundBy: { scenario: "dead-waiter", engine: "nats", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "kv-claim-not-withdrawn",
    story: "The caller gave up, and stays in the record.",
    edits: [
      {
        file: CLAIMING,
        find: "if (!this.#desk.waitsHere(this.#claim.owner)) await this.#giveBack(undefined);",
        replace: "",
      },
    ],
    foundBy: { scenario: "line", engine: "nats", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "kv-late-grant-believed",
    story: "The write that took the lease was slow; what it took is over.",
    edits: [
      {
        file: CLAIMING,
        find: "const inTime = leaseLeftMs(this.#context.runtime.time, answer) > 0;",
        replace: "const inTime = true;",
      },
    ],
    foundBy: { scenario: "one-owner", engine: "nats", profile: "sluggish", seeds: 60 },
    joined,
  },
  {
    name: "kv-token-begins-anew",
    story: "A free name's record is deleted, and the count with it.",
    edits: [
      {
        file: RECORD,
        find: "let next = Math.max(record.last + 1, floor);",
        replace: "void floor;\n  let next = record.last + 1;",
      },
    ],
    foundBy: { scenario: "one-owner", engine: "nats", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "kv-release-without-token",
    story: "A late release frees the owner's next hold.",
    edits: [
      {
        file: LINE,
        find: "if (holder !== undefined && (token === undefined || token === holder.token)) {",
        replace: "if (holder !== undefined) {",
      },
    ],
    foundBy: { scenario: "one-owner", engine: "nats", profile: "stragglers", seeds: 60 },
    joined,
  },
  {
    name: "kv-line-overtaken",
    story: "A newcomer takes what is free, although others stand in line for it.",
    edits: [
      {
        file: LINE,
        find: "fits(draft, wanted) && (!wanted.fair || firstInTurn(draft) === undefined);",
        replace: "fits(draft, wanted);",
      },
    ],
    foundBy: { scenario: "line", engine: "nats", profile: "calm", seeds: 5 },
    joined,
  },
];
