/**
 * Leaders that do not know that they are none, and candidates that give up.
 */
import type { Specimen } from "../specimen.ts";

const CANDIDATE = "packages/election/src/candidate.ts";
const TERM = "packages/election/src/term.ts";
const VIEW = "packages/election/src/view.ts";
const joined = "2026-11-21";

/** Bugs of elections. */
export const ELECTION: readonly Specimen[] = [
  {
    name: "term-that-two-leaders-share",
    story: "The term is counted in tens of seconds, which reads better; two leaders are in one.",
    edits: [
      {
        file: TERM,
        find: "this.term = lock.fencingToken;",
        replace: "this.term = lock.fencingToken - (lock.fencingToken % 10_000_000);",
      },
    ],
    foundBy: { scenario: "election", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "candidate-ended-by-one-failure",
    story: "One call of the store fails, and the loop that campaigns is over, without a word.",
    edits: [
      {
        file: CANDIDATE,
        find: 'return event.final ? ENDED : { kind: "resting", failures: state.failures + 1 };',
        replace: "return ENDED;",
      },
    ],
    foundBy: { scenario: "election", engine: "redis", profile: "harsh", seeds: 30 },
    joined,
  },
  {
    name: "resigned-before-the-work-ended",
    story: "Resigning gives the lease back at once; the work has been told, hasn't it?",
    edits: [
      {
        file: CANDIDATE,
        find: 'return { kind: "stepping-down", term, lease: "held", afterwards };',
        replace: 'return { kind: "giving-back", term, afterwards };',
      },
    ],
    foundBy: { scenario: "orderly", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "leader-by-hearsay",
    story: "isLeader is a flag that the loss clears; a process that was paused reads it before.",
    edits: [
      {
        file: TERM,
        find: 'return this.#stage === "held" && this.#lock.remainingMs > 0;',
        replace: 'return this.#stage === "held";',
      },
    ],
    foundBy: { scenario: "election", engine: "memory", profile: "harsh", seeds: 60 },
    joined,
  },
  {
    name: "each-value-an-election",
    story: "An observer is told of whatever is new; that the leader is not, nobody remembers.",
    edits: [
      {
        file: VIEW,
        find: "const isNew = told === undefined || told.term < leader.term;",
        replace: "const isNew = true;",
      },
    ],
    foundBy: { scenario: "election", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
];
