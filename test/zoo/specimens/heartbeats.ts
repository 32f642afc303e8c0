/**
 * Members of a group that believe what they should not, and convict whom they must not.
 */
import type { Specimen } from "../specimen.ts";

const HEARTBEATS = "packages/membership/src/heartbeats";
const DETECTORS = "packages/membership/src/detectors";
const joined = "2026-11-21";

/** Bugs of membership by heartbeats. */
export const HEARTBEATS_SPECIMENS: readonly Specimen[] = [
  {
    name: "verdict-of-the-sleeper",
    story: "Who was paused in the middle of a trial wakes up, sees the time is over, and convicts.",
    edits: [
      {
        file: `${DETECTORS}/confirmation.ts`,
        find: "if (nowMs - state.untilMs >= probeTimeoutMs) {",
        replace: "if (nowMs - state.untilMs >= Infinity) {",
      },
    ],
    foundBy: { scenario: "heartbeats", engine: "memory", profile: "harsh", seeds: 160 },
    joined,
  },
  {
    name: "the-deaf-accuse",
    story: "A member whose subscription is dead finds all others down, as nobody says anything.",
    edits: [
      {
        file: `${HEARTBEATS}/group.ts`,
        find: "nowMs < this.#blindUntilMs || (echoMs < sinceMs && isLastWord(confirmation, nowMs))",
        replace: "echoMs < sinceMs && isLastWord(confirmation, -Infinity)",
      },
    ],
    foundBy: { scenario: "heartbeats", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "earlier-life-counts",
    story: "Any other life of a name is taken for its restart, also one that died long ago.",
    edits: [
      {
        file: `${HEARTBEATS}/group.ts`,
        find: "return outlives(beat, identity)",
        replace: 'return outlives(beat, identity) || beat.id !== ""',
      },
    ],
    foundBy: { scenario: "heartbeats", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "restart-in-the-past",
    story:
      "A member that comes back with a clock set back is an earlier life to all, for as long as " +
      "they remember the later one, and nobody tells it so.",
    edits: [
      {
        file: `${HEARTBEATS}/group.ts`,
        find: 'return [...effects, { kind: "correct", known: entry.identity }];',
        replace: "return effects;",
      },
    ],
    foundBy: { scenario: "heartbeats", engine: "memory", profile: "harsh", seeds: 40 },
    joined,
  },
];
