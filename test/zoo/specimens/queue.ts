/**
 * The line: who is next, who fits, who has left.
 */
import type { Specimen } from "../specimen.ts";

const LINE = "packages/memory/src/store/lease-line.ts";
const ACQUIRE = "packages/memory/src/handle/lease-acquire.ts";
const joined = "2026-11-21";

/** Bugs of waiting. */
export const QUEUE: readonly Specimen[] = [
  {
    name: "line-overtaken-by-newcomers",
    story: "Who comes when it fits gets it, past all who wait for more.",
    edits: [
      {
        file: LINE,
        find: "if ((first || !claim.fair) && fits(draft, claim)) {",
        replace: "if (fits(draft, claim)) {",
      },
    ],
    foundBy: { scenario: "line", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "line-overtaken-by-small-claims",
    story: "The first who fits is served, so a claim of great weight waits for ever.",
    edits: [
      {
        file: LINE,
        find: "if (waiter.fair || !fits(draft, waiter)) continue;",
        replace: "if (!fits(draft, waiter)) continue;",
      },
    ],
    foundBy: { scenario: "line", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "writer-starved",
    story: "Readers join readers, whoever waits: the writer never has its turn.",
    edits: [
      {
        file: LINE,
        find: "if ((first || !claim.fair) && fits(draft, claim)) {",
        replace: "if ((first || claim.weight < claim.capacity) && fits(draft, claim)) {",
      },
    ],
    foundBy: { scenario: "read-write-line", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "reader-beside-a-writer",
    story: "The writer's weight is that of a reader.",
    edits: [
      {
        file: "packages/lock/src/read-write.ts",
        find: 'target("write", home.prefix, name, share(CAPACITY))',
        replace: 'target("write", home.prefix, name, share(1))',
      },
    ],
    foundBy: { scenario: "read-write-line", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "permits-counted-by-heads",
    story: "Holders are counted, not what they hold.",
    edits: [
      {
        file: LINE,
        find: "draft.holders.reduce((sum, holder) => sum + holder.weight, 0);",
        replace: "draft.holders.length;",
      },
    ],
    foundBy: { scenario: "semaphore", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "off-by-one-permit",
    story: "`<` for `<=`, the other way round: one more than there are.",
    edits: [
      {
        file: LINE,
        find: "return heldWeight + claim.weight <= claim.capacity;",
        replace: "return heldWeight + claim.weight <= claim.capacity + 1;",
      },
    ],
    foundBy: { scenario: "semaphore", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "waiter-forgotten-on-abort",
    story: "The caller gave up, its place in line did not: at its turn nobody answers.",
    edits: [
      {
        file: ACQUIRE,
        find: "this.#leave();\n    throw signal?.aborted === true ? signal.reason",
        replace: "throw signal?.aborted === true ? signal.reason",
      },
    ],
    foundBy: { scenario: "line", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "claim-forgotten-on-abort",
    story: "Given up while the claim was on its way: it is granted to nobody, for a TTL.",
    edits: [
      {
        file: ACQUIRE,
        find: "if (signal?.aborted !== true) throw error;\n      this.#leave();",
        replace: "if (signal?.aborted !== true) throw error;",
      },
    ],
    foundBy: { scenario: "line", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "release-that-wakes-nobody",
    story: "It is free, and those in line hear of it when somebody else comes by.",
    edits: [
      {
        file: LINE,
        find: "const answer = apply(draft, input);\n  promote(draft);",
        replace: "const answer = apply(draft, input);",
      },
    ],
    foundBy: { scenario: "dead-waiter", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "upkeep-timer-not-moved",
    story: "A timer is set for the holder's end; what falls due before it is noticed then.",
    edits: [
      {
        file: "packages/memory/src/store/space.ts",
        find: "(this.#upkeep !== undefined && this.#upkeep.dueMs <= dueMs)) return;",
        replace: "this.#upkeep !== undefined) return;",
      },
    ],
    foundBy: { scenario: "dead-waiter", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
];
