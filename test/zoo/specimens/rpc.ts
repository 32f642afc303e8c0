/**
 * Calls that lie about what became of them, or happen more often than they may.
 */
import type { Specimen } from "../specimen.ts";

const CALLER = "packages/rpc/src/client/caller.ts";
const TO_FAILURE = "packages/rpc/src/wire/to-failure.ts";
const joined = "2026-11-22";

/** Bugs of rpc. */
export const RPC_SPECIMENS: readonly Specimen[] = [
  {
    name: "last-attempt-speaks-for-all",
    story:
      "The last attempt found nobody, so the call did not happen; the first one had run, and " +
      "only its answer was lost.",
    edits: [
      {
        file: CALLER,
        find: 'if (!mayHaveRun || !isQuorateError(error) || error.effect !== "none") return error;',
        replace: "if (!mayHaveRun || !isQuorateError(error) || error !== undefined) return error;",
      },
    ],
    foundBy: { scenario: "rpc", engine: "memory", profile: "harsh", seeds: 40 },
    origin: "found by us",
    joined,
  },
  {
    name: "handler-threw-so-nothing-happened",
    story: "What throws has failed, and what has failed did nothing: the effect came before.",
    edits: [
      {
        file: TO_FAILURE,
        find: 'effectOf(error) ?? "unknown"',
        replace: 'effectOf(error) ?? "none"',
      },
    ],
    foundBy: { scenario: "rpc", engine: "redis", profile: "calm", seeds: 20 },
    joined,
  },
  {
    name: "everything-is-tried-again",
    story: "A call that failed is made again, whatever it does when it runs twice.",
    edits: [{ file: CALLER, find: "repeat: call.method.repeat,", replace: 'repeat: "safe",' }],
    foundBy: { scenario: "rpc", engine: "memory", profile: "harsh", seeds: 60 },
    joined,
  },
  {
    name: "silence-is-a-no",
    story: "No answer came in time, so the server was not reached: it was, and answered late.",
    edits: [
      {
        file: CALLER,
        find: "call.mayHaveRun = true;\n    if (!isQuorateError(error)) return error;",
        replace: "call.mayHaveRun ||= false;\n    if (!isQuorateError(error)) return error;",
      },
      {
        file: CALLER,
        find: "return this.#timeout(call, error.effect);\n    }",
        replace: 'return this.#timeout(call, "none");\n    }',
      },
    ],
    foundBy: { scenario: "rpc", engine: "nats", profile: "harsh", seeds: 30 },
    joined,
  },
];
