import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { GossipMessage } from "./messages.ts";
import { type Letter, readLetter, writeLetter } from "./wire.ts";

const ENTRY = { key: "__proto__", version: 3, value: 'ä"\u0000' };
const REMOVED = { key: "x", version: 4, value: undefined };
const RUMOUR = { owner: "constructor", life: 9, entry: ENTRY };
const KNOWN = { owner: "b", life: 2, version: 0 };

const MESSAGES: readonly GossipMessage[] = [
  { kind: "rumours", rumours: [RUMOUR, { ...RUMOUR, entry: REMOVED }], pull: true },
  { kind: "knew", knew: [{ owner: "a", key: "x", version: 4 }], rumours: [RUMOUR] },
  { kind: "digest", from: "", to: "m", known: [KNOWN] },
  {
    kind: "delta",
    deltas: [{ owner: "a", life: 1, after: 2, through: 4, floor: 1, entries: [ENTRY, REMOVED] }],
    wanted: [KNOWN],
  },
];

function read(letter: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(letter));
  const result = readLetter(bytes, 4_096);
  return result.ok ? "read" : result.reason;
}

describe("a letter", () => {
  it.each(MESSAGES)("of kind $kind comes back as it was", (message) => {
    const letter: Letter = { from: "a", message };
    expect(readLetter(writeLetter(letter), 4_096)).toEqual({ ok: true, letter });
  });

  it("ignores fields that it does not know", () => {
    expect(read({ v: 1, from: "a", kind: "rumours", rumours: [], later: [1] })).toBe("read");
  });

  const rumours = (row: unknown): unknown => ({ v: 1, from: "a", kind: "rumours", rumours: [row] });
  const delta = (row: unknown): unknown => ({
    ...{ v: 1, from: "a", kind: "delta", wanted: [] },
    deltas: [row],
  });
  const hostile: readonly (readonly [why: string, letter: unknown])[] = [
    ["not JSON's object", [1]],
    ["another version", { v: 2, from: "a", kind: "rumours", rumours: [] }],
    ["no sender", { v: 1, kind: "rumours", rumours: [] }],
    ["a long sender", { v: 1, from: "x".repeat(129), kind: "rumours", rumours: [] }],
    ["an unknown kind", { v: 1, from: "a", kind: "toString" }],
    ["no list", { v: 1, from: "a", kind: "rumours", rumours: {} }],
    ["a short row", rumours(["a", 1, "k", 1])],
    ["a huge life", rumours(["a", 2 ** 50, "k", 1, "v"])],
    ["a negative version", rumours(["a", 1, "k", -1, "v"])],
    ["version zero", rumours(["a", 1, "k", 0, "v"])],
    ["a fraction", rumours(["a", 1, "k", 1.5, "v"])],
    ["an unsafe integer", rumours(["a", 1, "k", 2 ** 53, "v"])],
    ["a value that is an object", rumours(["a", 1, "k", 1, { a: 1 }])],
    ["a long key", rumours(["a", 1, "k".repeat(129), 1, "v"])],
    ["an empty key", rumours(["a", 1, "", 1, "v"])],
    ["half a surrogate pair", rumours(["a", 1, "k", 1, "\ud800"])],
    ["an interval backwards", delta(["a", 1, 5, 4, 0, []])],
    ["a floor above", delta(["a", 1, 0, 4, 5, []])],
    ["an entry before the interval", delta(["a", 1, 3, 4, 0, [["k", 2, "v"]]])],
    [
      "a key twice",
      delta([
        "a",
        1,
        0,
        4,
        0,
        [
          ["k", 1, "v"],
          ["k", 2, "v"],
        ],
      ]),
    ],
    ["a nest", { v: 1, from: "a", kind: "rumours", rumours: [[[[[[[[]]]]]]]] }],
    ["too long", { v: 1, from: "a", kind: "rumours", rumours: [], pad: "x".repeat(5_000) }],
  ];
  it.each(hostile)("is refused whole with %s", (_why, letter) => {
    expect(read(letter)).not.toBe("read");
  });

  it("never throws, whatever bytes arrive", () => {
    const random = seededRandom(11);
    const good = writeLetter({ from: "a", message: MESSAGES[3] ?? expect.fail() });
    const outcomes = new Set<boolean>();
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from(good);
      bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
      // A throw would end the test.
      outcomes.add(readLetter(bytes, 4_096).ok);
    }
    expect(outcomes.size).toBe(2); // Some were read, some refused.
  });
});
