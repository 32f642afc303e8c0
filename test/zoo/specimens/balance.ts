/**
 * Balancers that send everybody to the wrong place.
 */
import type { Specimen } from "../specimen.ts";

const BALANCERS = "packages/discovery/src/balancers";
const joined = "2026-11-21";

/** Bugs of balancers. */
export const BALANCE: readonly Specimen[] = [
  {
    name: "ties-to-the-first",
    story:
      "Among equals the first of the list is taken: it does nearly all of the work, and if it " +
      "fails at once, it gets nearly all of the calls.",
    edits: [
      {
        file: `${BALANCERS}/by-outstanding.ts`,
        find: "if (!isLess(least, seat)) tied += seat.weight;",
        replace: "if (seat === least) tied += seat.weight;",
      },
    ],
    foundBy: { scenario: "balance", engine: "memory", profile: "calm", seeds: 2 },
    joined,
  },
  {
    name: "a-failure-is-a-quick-answer",
    story: "Latency alone is looked at, so who fails in half a millisecond is the best of all.",
    edits: [
      {
        file: `${BALANCERS}/peak-ewma.ts`,
        find: "this.#failed(measure, tookMs, beganMs, nowMs);",
        replace: "this.#answered(measure, tookMs, nowMs);",
      },
    ],
    foundBy: { scenario: "balance", engine: "memory", profile: "calm", seeds: 2 },
    joined,
  },
  {
    name: "ejects-everybody",
    story: "Nobody counts who is out already: when half of them fail, too few have to do it all.",
    edits: [
      {
        file: `${BALANCERS}/ejection-ledger.ts`,
        find: "if (this.#out >= this.allowance) return undefined;",
        replace: "if (this.#out >= this.#entries.size - 1) return undefined;",
      },
    ],
    foundBy: { scenario: "balance", engine: "memory", profile: "calm", seeds: 2 },
    joined,
  },
  {
    name: "doubt-that-never-fades",
    story: "What failed once is never asked again, though it has long been well.",
    edits: [
      {
        file: `${BALANCERS}/peak-ewma.ts`,
        find: "return track.doubtMs * left((nowMs - track.doubtedAtMs) / forgetMs);",
        replace: "return track.doubtMs * left(0 * forgetMs);",
      },
    ],
    foundBy: { scenario: "balance", engine: "memory", profile: "calm", seeds: 2 },
    joined,
  },
  {
    name: "ejected-for-ever",
    story: "The next return is looked up before it is noted, so those who are out stay out.",
    edits: [
      {
        file: `${BALANCERS}/ejecting.ts`,
        find: "Math.min(this.#nextReturnMs, entry.outUntilMs);\n    this.#tell",
        replace: "this.#nextReturnMs;\n    this.#tell",
      },
    ],
    foundBy: { scenario: "balance", engine: "memory", profile: "calm", seeds: 2 },
    joined,
  },
];
