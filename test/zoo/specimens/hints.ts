/**
 * Elections without a store that trust what they should not.
 */
import type { Specimen } from "../specimen.ts";

const HERE = "packages/election/src/without-store";
const joined = "2026-11-21";

/** Bugs of Bully and Ring. */
export const HINTS: readonly Specimen[] = [
  {
    name: "hint-without-epoch",
    story: "The member that was elected believes at once, and claims its epoch meanwhile.",
    edits: [
      {
        file: `${HERE}/hint-member.ts`,
        find: "return held === undefined ? NOBODY : { leader,",
        replace: "return held === undefined ? { leader, isSelf: true, epoch } : { leader,",
      },
    ],
    foundBy: { scenario: "bully", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "epoch-after-its-lease",
    story: "An epoch counts until its holder hears of the loss; a pause keeps the news away.",
    edits: [
      {
        file: `${HERE}/epoch-claim.ts`,
        find: "this.#held !== undefined && this.#held.remainingMs > 0 ? this.#held : undefined",
        replace: "this.#held",
      },
    ],
    foundBy: { scenario: "bully", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "bully-that-bows",
    story: "COORDINATOR is believed whoever sends it; after a partition the greatest gives in.",
    edits: [
      {
        file: `${HERE}/bully-machine.ts`,
        find: "if (!isAbove) return contradict(settings, state, from, nowMs);",
        replace: "",
      },
    ],
    foundBy: { scenario: "bully", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "epoch-kept-by-the-deposed",
    story:
      "A member that is elected no more goes on renewing its epoch; the next one waits for it.",
    edits: [
      {
        file: `${HERE}/epoch-claim.ts`,
        find: "this.#claiming?.controller.abort();",
        replace: "",
      },
    ],
    foundBy: { scenario: "bully", engine: "memory", profile: "harsh", seeds: 30 },
    joined,
  },
  {
    name: "ring-that-stays-closed",
    story: "A silent successor is passed over for good: one that comes back is never heard.",
    edits: [
      {
        file: `${HERE}/ring-links.ts`,
        find: "(links.silent.get(id) ?? -Infinity) <= nowMs",
        replace: "!links.silent.has(id)",
      },
      {
        file: `${HERE}/ring-links.ts`,
        find: "if (!links.silent.has(from)) return links;",
        replace: "if (links.silent.size >= 0) return links;",
      },
    ],
    foundBy: { scenario: "ring-election", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "ring-led-by-anybody",
    story: "The news of any leader is followed, also of one smaller than oneself.",
    edits: [
      {
        file: `${HERE}/ring-machine.ts`,
        find: "if (!members.outranks(token.member, settings.self)) {",
        replace: "if (members.size < 0) {",
      },
    ],
    foundBy: { scenario: "ring-election", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
];
