import { describe, expect, it } from "vitest";
import { fingerprintOf } from "./fingerprint.ts";
import { checkNodes } from "./nodes.ts";

describe("fingerprint", () => {
  it("is 32 hex digits of what was given, and of nothing else", () => {
    const nodes = checkNodes(["a", "b"]);
    const print = fingerprintOf("ring/1", [160, 0], nodes);
    expect(print).toMatch(/^[0-9a-f]{32}$/);
    expect(fingerprintOf("ring/1", [160, 0], checkNodes(["b", "a"]))).toBe(print);
  });

  it("tells apart what would read alike if it were put together", () => {
    const prints = [
      fingerprintOf("x", ["a"], checkNodes(["b"])),
      fingerprintOf("x", [], checkNodes(["a", "b"])),
      fingerprintOf("x", [], checkNodes(["ab"])),
      fingerprintOf("x", [], checkNodes(['a","b'])),
      fingerprintOf("x", [], checkNodes(["a"])),
      fingerprintOf("x", [], checkNodes([{ id: "a", zone: "b" }])),
      fingerprintOf("x", [], checkNodes([{ id: "a", weight: 2 }, "b"])),
      fingerprintOf("x", [1], checkNodes(["a", "b"])),
      fingerprintOf("x", ["1"], checkNodes(["a", "b"])),
      fingerprintOf("y", [], checkNodes(["a", "b"])),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });
});
