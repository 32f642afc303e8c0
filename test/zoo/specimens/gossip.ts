/**
 * Gossip that remembers too little, and sides of a cut that think of themselves only.
 */
import type { Specimen } from "../specimen.ts";

const GOSSIP = "packages/membership/src/gossip";
const SPLIT = "packages/membership/src/split";
const joined = "2026-11-21";

/** Bugs of gossip. */
export const GOSSIP_SPECIMENS: readonly Specimen[] = [
  {
    name: "tombstone-thrown-away-silently",
    story: "A tombstone is old enough and goes; whoever was cut off meanwhile keeps the dead fact.",
    edits: [
      {
        file: `${GOSSIP}/ledger.ts`,
        find: "version < this.#floor ? 0 : version",
        replace: "version",
      },
    ],
    foundBy: { scenario: "gossip", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "rumour-of-the-dead",
    story: "A late rumour of what was removed is news, as its tombstone is there no more.",
    edits: [
      {
        file: `${GOSSIP}/ledger.ts`,
        find: 'if (entry.version <= this.#through) return "known";',
        replace: "",
      },
    ],
    foundBy: { scenario: "gossip", engine: "memory", profile: "harsh", seeds: 40 },
    joined,
  },
  {
    name: "gossip-of-an-earlier-life",
    story: "What was last heard is believed, also if the owner has been restarted since.",
    edits: [
      {
        file: `${GOSSIP}/facts.ts`,
        find: "life < known.life",
        replace: "life < 0",
      },
    ],
    foundBy: { scenario: "gossip", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
];

/** Bugs of split-brain resolution. */
export const SPLIT_SPECIMENS: readonly Specimen[] = [
  {
    name: "majority-counted-once",
    story:
      "A side counts what it sees; that a member which joins may be up over there is forgotten.",
    edits: [
      {
        file: `${SPLIT}/resolve.ts`,
        find: "if (staysBy(strategy, oursThere, theirsThere))",
        replace: "if (oursThere.length + theirsThere.length > 0)",
      },
    ],
    foundBy: { scenario: "split", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "half-is-a-majority",
    story: "Of two equal halves each finds that it is not the smaller one.",
    edits: [
      {
        file: `${SPLIT}/resolve.ts`,
        find: "if (here.length !== there.length) return here.length > there.length;",
        replace: "if (here.length >= 0) return here.length >= there.length;",
      },
    ],
    foundBy: { scenario: "split", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "quorum-in-two-places",
    story: "The group has grown past what its static quorum was made for; both sides have it.",
    edits: [
      {
        file: `${SPLIT}/resolve.ts`,
        find: "all.length > 2 * strategy.size - 1",
        replace: "all.length > 1_000",
      },
    ],
    foundBy: { scenario: "split", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
];
