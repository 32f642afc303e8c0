/**
 * What happened, what did not, and what nobody knows.
 */
import type { Specimen } from "../specimen.ts";

const LEDGER = "packages/memory/src/store/ledger.ts";
const TABLE = "packages/memory/src/store/kv-table.ts";
const joined = "2026-11-21";

/** Bugs of outcomes. */
export const OUTCOMES: readonly Specimen[] = [
  {
    name: "timeout-taken-as-granted",
    story: "No answer within the time; the command was sent, so the lock is ours.",
    edits: [
      {
        file: "packages/lock/src/claim.ts",
        find: 'if (!isQuorateError(error) || error.effect !== "none") doubt ??= error;',
        replace: `if (isQuorateError(error, "OUTCOME_UNKNOWN")) {
        const { time } = desk.runtime;
        const { ttlMs } = request;
        const validUntilMs = time.monotonicMs() + ttlMs;
        const margin = { validUntilMs, validUntilWallMs: time.wallMs() + ttlMs };
        const fencingToken = Math.floor(time.wallMs() * 1_000);
        return { granted: true, ...claimed, fencingToken, weight: target.weight, ttlMs, ...margin };
      }
      if (!isQuorateError(error) || error.effect !== "none") doubt ??= error;`,
      },
    ],
    foundBy: { scenario: "lock", engine: "memory", profile: "harsh", seeds: 40 },
    joined,
  },
  {
    name: "unknown-taken-as-none",
    story: "No answer, so nothing happened: the caller does it again.",
    edits: [
      {
        file: "packages/memory/src/handle/link-errors.ts",
        find: '"OUTCOME_UNKNOWN", message, { effect: "unknown", details, ...settling });',
        replace: '"STORE_UNAVAILABLE", message, { effect: "none", details: { operation } });',
      },
    ],
    foundBy: { scenario: "counter", engine: "memory", profile: "lossy", seeds: 60 },
    joined,
  },
  {
    name: "resolve-that-lies",
    story: "Asked what became of a write, the store says that nothing did.",
    edits: [
      {
        file: LEDGER,
        find: "if (known !== undefined) return known.fate;",
        replace: 'if (known !== undefined) return "none";',
      },
    ],
    foundBy: { scenario: "counter", engine: "memory", profile: "lossy", seeds: 60 },
    joined,
  },
  {
    name: "straggler-not-banned",
    story: "It has not happened, says the store, truly; a moment later it does.",
    edits: [{ file: LEDGER, find: 'this.note(call, "none", nowMs);', replace: "" }],
    foundBy: { scenario: "counter", engine: "memory", profile: "stragglers", seeds: 200 },
    joined,
  },
  {
    name: "own-write-told-as-a-conflict",
    story: "A write that is asked for again finds itself, and says that somebody was faster.",
    edits: [
      {
        file: TABLE,
        find: `if (current?.operationId === write.operationId) return replayed(current);
    if (!holds(`,
        replace: "if (!holds(",
      },
    ],
    foundBy: { scenario: "counter", engine: "memory", profile: "lossy", seeds: 60 },
    joined,
  },
  {
    name: "put-without-its-expectation",
    story: "What is expected is sent, and not looked at.",
    edits: [
      {
        file: TABLE,
        find: "if (!holds(write.expect, current)) return",
        replace: "if (current === null) return",
      },
    ],
    foundBy: { scenario: "counter", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
];
