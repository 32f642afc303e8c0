/**
 * Keeping a lease, and noticing that it is over.
 */
import type { Specimen } from "../specimen.ts";

const WHEEL = "packages/lock/src/renewal-wheel.ts";
const HELD = "packages/lock/src/held-lease.ts";
const joined = "2026-11-21";

/** Bugs of renewals and of losses. */
export const RENEWAL: readonly Specimen[] = [
  {
    name: "unanswered-renewal-taken-as-one",
    story: "The renewal timed out; it will have landed, as it mostly has.",
    edits: [
      {
        file: WHEEL,
        find: "for (const lease of leases) this.#schedule.failed(lease, this.#now());",
        replace: `for (const [index, lease] of leases.entries()) {
        const window = windows[index];
        if (window !== undefined) this.#schedule.renewed(lease, window, this.#now(), 0.5);
      }`,
      },
    ],
    foundBy: { scenario: "runs", engine: "memory", profile: "lossy", seeds: 100 },
    joined,
  },
  {
    name: "loss-not-final",
    story: "The lease's end is noticed and not noted: a renewal that comes late revives it.",
    edits: [{ file: HELD, find: 'this.lose("expired");\n    return 0;', replace: "return 0;" }],
    foundBy: { scenario: "runs", engine: "memory", profile: "sluggish", seeds: 60 },
    joined,
  },
  {
    name: "signal-not-aborted",
    story: "The lock is lost, those who were to be told are not.",
    edits: [
      {
        file: HELD,
        find: "this.#keeper.dropped(this, reason);\n    this.#tell();",
        replace: "this.#keeper.dropped(this, reason);",
      },
    ],
    foundBy: { scenario: "runs", engine: "memory", profile: "lossy", seeds: 100 },
    joined,
  },
  {
    name: "deadline-not-watched",
    story: "A loss is noticed when somebody asks; who only listens works on.",
    edits: [
      { file: WHEEL, find: 'for (const lease of overdue) lease.lose("expired");', replace: "" },
    ],
    foundBy: { scenario: "runs", engine: "memory", profile: "lossy", seeds: 100 },
    joined,
  },
  {
    name: "work-returned-although-lost",
    story: "`run` gives the work's answer, whether or not the lock lasted to its end.",
    edits: [
      {
        file: "packages/lock/src/run-under.ts",
        find: 'const unsound = verdicts.find(({ verdict }) => verdict.kind !== "sound");',
        replace: "const unsound = verdicts.find(() => false);",
      },
    ],
    foundBy: { scenario: "runs", engine: "memory", profile: "lossy", seeds: 100 },
    joined,
  },
  {
    name: "lost-taken-as-renewed",
    story: "The store says that the lease is gone; the holder hears that it answered.",
    edits: [
      { file: WHEEL, find: 'if (answer === "lost") return lease.lose("superseded");', replace: "" },
    ],
    foundBy: { scenario: "flushed", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "release-not-repeated",
    story: "The release was not answered; the lock stays shut until its TTL.",
    edits: [
      {
        file: "packages/lock/src/give-back.ts",
        find: "if (!isQuorateError(error) || !error.retryable) throw error;",
        replace: "throw error;",
      },
    ],
    foundBy: { scenario: "prompt", engine: "memory", profile: "lossy", seeds: 60 },
    joined,
  },
  {
    name: "doubtful-claim-not-given-back",
    story: "No answer to a claim, so there is none: but it is there, and nobody's, for a TTL.",
    edits: [
      {
        file: "packages/lock/src/claim.ts",
        find: "desk.returnGrant(claimed);\n        throw signal.aborted",
        replace: "throw signal.aborted",
      },
    ],
    foundBy: { scenario: "prompt", engine: "memory", profile: "lossy", seeds: 60 },
    joined,
  },
];
