/** What may name a node, and the order of names. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkNodeId, compareNodeIds, MAX_NODE_ID_BYTES } from "./node-id.ts";

describe("a node id", () => {
  it.each([
    "a",
    "__proto__",
    "constructor",
    "a#1",
    "10.0.0.7:7000",
    "eu/node 1",
    "\u0000",
    "🦊",
    "ё",
  ])("may be %j", (id) => {
    expect(checkNodeId("id", id)).toBe(id);
  });

  it.each([
    ["empty", ""],
    ["10 kB long", "x".repeat(10_000)],
    ["one byte too long", "x".repeat(MAX_NODE_ID_BYTES + 1)],
    ["short in characters but long in bytes", "ё".repeat(MAX_NODE_ID_BYTES / 2 + 1)],
    ["half a pair", "a\ud83e"],
    ["the other half", "\udd8a"],
    ["a number", 7 as never],
    ["missing", undefined as never],
    ["an object", { length: 3 } as never],
  ])("may not be %s", (_, id) => {
    expect(() => checkNodeId("node", id)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        effect: "none",
        details: expect.objectContaining({ option: "node" }),
      }),
    );
  });

  it("may fill its bytes exactly, in any script", () => {
    for (const id of ["x".repeat(128), "ё".repeat(64), "🦊".repeat(32)]) {
      expect(checkNodeId("id", id)).toBe(id);
      expect(Buffer.from(id, "utf8").toString("utf8")).toBe(id);
    }
  });

  it("is not repeated whole in the error", () => {
    expect(() => checkNodeId("id", "x".repeat(10_000))).toThrow(/^.{1,300}$/s);
  });
});

describe("the order of node ids", () => {
  it("is that of Array.prototype.sort, for all strings", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary", maxLength: 5 }), { maxLength: 20 }),
        (ids) => {
          expect(ids.toSorted(compareNodeIds)).toEqual(ids.toSorted());
        },
      ),
    );
  });
});
