/**
 * Tokens that do not grow, and floors that do not hold.
 */
import type { Specimen } from "../specimen.ts";

const ACQUIRE = "packages/memory/src/handle/lease-acquire.ts";
const LINE = "packages/memory/src/store/lease-line.ts";
const NOW = "packages/memory/src/store/now.ts";
const TABLE = "packages/memory/src/store/kv-table.ts";
const STORE = "packages/lock/src/fence-store.ts";
const joined = "2026-11-21";

/** Bugs of tokens and guards. */
export const FENCING: readonly Specimen[] = [
  {
    name: "token-in-a-second-step",
    story: "INCR, then SET: between the two another draws a greater number, holds, and is gone.",
    edits: [
      {
        file: ACQUIRE,
        find: "const claim = { owner, process: id, weight, capacity, ttlMs, fair, data };",
        replace: `const { clock } = this.#process.store;
    const minted = await this.#exchange("leases.token", () => clock.now().micros);
    const claim = { owner, process: id, weight, capacity, ttlMs, fair, data, minted };`,
      },
      {
        file: LINE,
        find: "const token = draft.lastToken;",
        replace: "const token = claim.minted;",
      },
    ],
    foundBy: { scenario: "lock", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "token-from-a-counter",
    story: "A counter in memory: it begins anew when the name was forgotten, or the store was.",
    edits: [
      { file: NOW, find: "return Math.max(last + 1, now.micros);", replace: "return last + 1;" },
    ],
    foundBy: { scenario: "lock", engine: "memory", profile: "harsh", seeds: 30 },
    joined,
  },
  {
    name: "token-of-the-clock-alone",
    story: "The time is the token: the clock is set back, and the next holder is the stale one.",
    edits: [
      { file: NOW, find: "return Math.max(last + 1, now.micros);", replace: "return now.micros;" },
    ],
    foundBy: { scenario: "set-back", engine: "memory", profile: "set-back", seeds: 20 },
    joined,
  },
  {
    name: "token-not-strictly-greater",
    story: "`>=` for `>`: while the clock stands, two holders are one to the guard.",
    edits: [
      {
        file: NOW,
        find: "return Math.max(last + 1, now.micros);",
        replace: "return Math.max(last, now.micros);",
      },
    ],
    foundBy: { scenario: "set-back", engine: "memory", profile: "set-back", seeds: 20 },
    joined,
  },
  {
    name: "guard-that-opens-for-anyone",
    story: "Writes are refused, opening is not: an old holder writes between read and write.",
    edits: [
      {
        file: "packages/lock/src/guard.ts",
        find: "demandTaken(resource, token, result, stillHeld(holder));",
        replace: "stillHeld(holder);",
      },
      {
        file: "packages/lock/src/guard.ts",
        find: "const result = await store.advance(key, token, undefined, call);\n      stillHeld",
        replace: "await store.read(key, call);\n      stillHeld",
      },
    ],
    foundBy: { scenario: "slow-writers", engine: "memory", profile: "stopping", seeds: 80 },
    joined,
  },
  {
    name: "guard-that-refuses-its-holder",
    story: "`<=` for `<`: the floor is the holder's own token, and it is below itself.",
    edits: [
      {
        file: TABLE,
        find: "write.token < before.floor",
        replace: "write.token <= before.floor",
      },
    ],
    foundBy: { scenario: "slow-writers", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "guard-without-a-floor",
    story: "The comparison is the wrong way round: old holders are let in, new ones are not.",
    edits: [
      { file: TABLE, find: "write.token < before.floor", replace: "write.token > before.floor" },
    ],
    foundBy: { scenario: "slow-writers", engine: "memory", profile: "stopping", seeds: 80 },
    joined,
  },
  {
    name: "floor-lost-on-write",
    story: "Opening raises the floor, the write that follows puts it back to nothing.",
    edits: [
      {
        file: TABLE,
        find: "const value = encodeFenceRecord({ floor: write.token, payload });",
        replace:
          "const floor = write.payload === undefined ? write.token : 1;\n" +
          "    const value = encodeFenceRecord({ floor, payload });",
      },
    ],
    foundBy: { scenario: "slow-writers", engine: "memory", profile: "stopping", seeds: 500 },
    joined,
  },
  {
    name: "payload-lost-on-open",
    story: "To raise the floor is to write the record: with nothing in it.",
    edits: [
      {
        file: STORE,
        find: "payload: payload ?? record?.payload ?? new Uint8Array()",
        replace: "payload: payload ?? new Uint8Array()",
      },
    ],
    foundBy: { scenario: "guard", engine: "nats", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "floor-raised-without-expectation",
    story: "Read, compare, write: without the revision that was read, the last writer wins.",
    edits: [
      {
        file: STORE,
        find: "encodeFenceRecord(step.record), { ...call, expect });",
        replace: "encodeFenceRecord(step.record), call);",
      },
    ],
    foundBy: { scenario: "slow-writers", engine: "nats", profile: "stopping", seeds: 300 },
    joined,
  },
  {
    name: "next-write-before-the-last-is-settled",
    story: "A write without an answer is forgotten; it lands after the holder's next one.",
    edits: [
      {
        file: "packages/lock/src/fenced-handle.ts",
        find: "if (payload !== undefined && isQuorateError(error)) this.#doubt = error.resolve;",
        replace: "",
      },
    ],
    foundBy: { scenario: "rewrites", engine: "memory", profile: "stragglers", seeds: 900 },
    joined,
  },
];
