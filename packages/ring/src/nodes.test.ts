import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import {
  checkNodes,
  indexOf,
  MAX_NODE_ID_BYTES,
  MAX_NODES,
  MAX_WEIGHT,
  MIN_WEIGHT,
  withNode,
  withoutNode,
} from "./nodes.ts";
import type { NodeLike } from "./placement.ts";

function refusal(nodes: unknown): string {
  try {
    checkNodes(nodes as NodeLike[]);
  } catch (error) {
    if (isQuorateError(error, "INVALID_ARGUMENT")) return error.message;
    throw error;
  }
  return "accepted";
}

describe("nodes", () => {
  it("fills in a weight of 1 and no zone, and freezes what it made", () => {
    const nodes = checkNodes(["a", { id: "b", weight: 0.5, zone: "eu" }]);
    expect(nodes).toEqual([
      { id: "a", weight: 1, zone: undefined },
      { id: "b", weight: 0.5, zone: "eu" },
    ]);
    expect(Object.isFrozen(nodes)).toBe(true);
    expect(nodes.every((node) => Object.isFrozen(node))).toBe(true);
  });

  it("orders by the bytes of UTF-8, not by UTF-16 units or locale", () => {
    const ids = ["😀", "\uffff", "é", "z", "Z", "a", "10", "9"];
    // In UTF-16 the emoji's surrogates come before U+FFFF; in UTF-8 its bytes come after.
    const sorted = ["10", "9", "Z", "a", "z", "é", "\uffff", "😀"];
    expect(checkNodes(ids).map(({ id }) => id)).toEqual(sorted);
    expect(checkNodes(ids.toReversed()).map(({ id }) => id)).toEqual(sorted);
  });

  it("takes the same node twice as one, and refuses one with two weights or zones", () => {
    expect(checkNodes(["a", { id: "a", weight: 1 }, "a"])).toHaveLength(1);
    const twice = "node.id must be named once, or with the same weight and zone each time";
    expect(refusal(["a", { id: "a", weight: 2 }])).toContain(twice);
    expect(refusal(["a", { id: "a", zone: "eu" }])).toContain(twice);
  });

  it.each(["__proto__", "constructor", "a#1", " ", "👩‍👩‍👧", "x".repeat(10_240)])(
    "takes %j as a name like others",
    (id) => {
      expect(checkNodes([id, "other"]).some((node) => node.id === id)).toBe(true);
    },
  );

  it.each<[string, unknown]>([
    ["an empty id", [""]],
    ["an unpaired high surrogate", ["a\ud800"]],
    ["an unpaired low surrogate", ["\udc00a"]],
    ["an id over its bound", ["x".repeat(MAX_NODE_ID_BYTES + 1)]],
    ["a number for an id", [7]],
    ["null", [null]],
    ["a node without an id", [{}]],
    ["a misspelt option", [{ id: "a", wieght: 2 }]],
    ["a negative weight", [{ id: "a", weight: -1 }]],
    ["NaN for a weight", [{ id: "a", weight: Number.NaN }]],
    ["an infinite weight", [{ id: "a", weight: Infinity }]],
    ["a weight below the least", [{ id: "a", weight: MIN_WEIGHT / 2 }]],
    ["a weight above the most", [{ id: "a", weight: MAX_WEIGHT * 2 }]],
    ["a weight in text", [{ id: "a", weight: "2" }]],
    ["an empty zone", [{ id: "a", zone: "" }]],
    ["a zone over its bound", [{ id: "a", zone: "z".repeat(1_025) }]],
    ["a string for the list", "abc"],
    ["an object for the list", { a: 1 }],
    ["nothing", undefined],
  ])("refuses %s", (_what, nodes) => {
    expect(refusal(nodes)).toMatch(/^INVALID_ARGUMENT: (node|nodes|node\.\w+) must be /);
  });

  it("refuses more nodes than it promises to hold", () => {
    const most = Array.from({ length: MAX_NODES }, (_, index) => `n${index}`);
    expect(checkNodes(most)).toHaveLength(MAX_NODES);
    expect(refusal([...most, "one more"])).toContain(`at most ${MAX_NODES} nodes`);
    const full = checkNodes(most);
    expect(() => withNode(full, { id: "one more", weight: 1, zone: undefined })).toThrow(/at most/);
  });

  it("reads -0 as 0", () => {
    expect(Object.is(checkNodes([{ id: "a", weight: -0 }])[0]?.weight, 0)).toBe(true);
  });

  it("keeps its order when a node comes, changes and goes", () => {
    const nodes = checkNodes(["a", "c", "é"]);
    const more = withNode(nodes, { id: "b", weight: 2, zone: undefined });
    expect(more.map(({ id }) => id)).toEqual(["a", "b", "c", "é"]);
    expect(withNode(more, { id: "b", weight: 3, zone: undefined })[1]?.weight).toBe(3);
    expect(withoutNode(more, "b")).toEqual(nodes);
    expect(withoutNode(nodes, "b")).toBe(nodes);
    expect(indexOf(more, "é")).toBe(3);
    expect(indexOf(more, "nobody")).toBe(-1);
  });
});
