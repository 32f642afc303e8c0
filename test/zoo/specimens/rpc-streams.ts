/**
 * Streams with holes, and handlers that run for nobody.
 */
import type { Specimen } from "../specimen.ts";

const STREAMS = "packages/rpc/src/streams";
const joined = "2026-11-22";

/** Bugs of streams. */
export const RPC_STREAMS: readonly Specimen[] = [
  {
    name: "hole-in-the-stream",
    story:
      "A frame that leaves something out is taken for the next one: a lost frame shows nowhere.",
    edits: [
      {
        file: `${STREAMS}/receiver.ts`,
        find: 'if (frame.first > items) return this.#fatal("gap");',
        replace: 'if (frame.first > items + 1e9) return this.#fatal("gap");',
      },
    ],
    foundBy: { scenario: "rpc-streams", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "generator-left-standing",
    story: "A stream that is cut is not sent any more, and its generator stands at its last yield.",
    edits: [
      {
        file: `${STREAMS}/served-stream.ts`,
        find: "this.#isRead ? undefined : leave(source)",
        replace: "this.#isRead ? undefined : leave(undefined)",
      },
    ],
    foundBy: { scenario: "rpc-streams", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "waits-for-the-dead",
    story: "A server waits for credit of a client that died, and nobody else tells it so.",
    edits: [
      {
        file: `${STREAMS}/sender.ts`,
        find: 'if (nowMs >= silentAtMs) return "silent";',
        replace: 'if (nowMs >= silentAtMs + 1e9) return "silent";',
      },
    ],
    foundBy: { scenario: "rpc-streams", engine: "memory", profile: "harsh", seeds: 40 },
    joined,
  },
];
