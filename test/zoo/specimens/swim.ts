/**
 * SWIM with what its rivals lack, taken out again.
 */
import type { Specimen } from "../specimen.ts";

const HERE = "packages/membership/src/swim";
const joined = "2026-11-21";

/** Bugs of SWIM. */
export const SWIM: readonly Specimen[] = [
  {
    name: "swim-restart-forgets",
    story:
      "A restart trusts the clock alone, and refutes one above itself, not above the accusation.",
    edits: [
      {
        file: `${HERE}/swim-member.ts`,
        find: "return Math.max(1, Math.floor(this.#runtime.time.wallMs()), kept + 1);",
        replace: "return kept < 0 ? kept : Math.floor(this.#runtime.time.wallMs());",
      },
      {
        file: `${HERE}/beliefs.ts`,
        find: "const incarnation = Math.max(self.incarnation, above) + 1;",
        replace: "const incarnation = above < 0 ? above : self.incarnation + 1;",
      },
    ],
    foundBy: { scenario: "swim", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "swim-old-suspicion-kills",
    story: "A refuted member keeps the deadline of its old suspicion, and is buried by it.",
    edits: [
      {
        file: `${HERE}/beliefs.ts`,
        find: "this.#ground.suspicions.remove(peer);",
        replace: "if (isGone(peer.state)) this.#ground.suspicions.remove(peer);",
      },
      {
        file: `${HERE}/beliefs.ts`,
        find: "if (peer === undefined || peer.wakeMs > nowMs) return;",
        replace: "if (peer === undefined || peer.wakeMs > nowMs) return; suspicions.remove(peer);",
      },
    ],
    foundBy: { scenario: "lossy-swim", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "swim-says-it-once",
    story: "An accusation that was refuted before is ignored; who missed the refutation buries.",
    edits: [
      {
        file: `${HERE}/beliefs.ts`,
        find: 'if (news.kind !== "alive") this.#tellOfSelf(from);',
        replace: "",
      },
    ],
    foundBy: { scenario: "lossy-swim", engine: "memory", profile: "calm", seeds: 30 },
    origin: "found by us",
    joined,
  },
  {
    name: "swim-dead-never-asked-again",
    story:
      "Who is down is forgotten by name only; after a partition each half is a group for ever.",
    edits: [
      {
        file: `${HERE}/exchange.ts`,
        find: "this.#rejoinMs = nowMs + everyMs * (0.75 + 0.5 * random());",
        replace: "this.#rejoinMs = nowMs + everyMs; if (!isAlone) return;",
      },
    ],
    foundBy: { scenario: "halved-swim", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "swim-address-of-the-first-life",
    story: "A refutation takes the incarnation and keeps the old address: asked where nobody is.",
    edits: [
      {
        file: `${HERE}/beliefs.ts`,
        find: "known.address = address;",
        replace: "known.address ||= address;",
      },
    ],
    foundBy: { scenario: "swim", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "swim-suspects-itself-in-silence",
    story: "A member that hears that it is down takes note of it, and says nothing.",
    edits: [
      {
        file: `${HERE}/beliefs.ts`,
        find: "ground.awareness.add(1);\n      return this.#refute(news, from);",
        replace: "ground.awareness.add(1);\n      return;",
      },
    ],
    foundBy: { scenario: "swim", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
];
