/** Names of members: node and life. */
import { describe, expect, it } from "vitest";

import { checkMembers, memberId, nodeOf } from "./member.ts";

describe("a member id", () => {
  it("is taken apart at the last #, so a node may have any name", () => {
    for (const node of ["a", "a#1", "#", "x/y", "__proto__", "👋"]) {
      expect(nodeOf(memberId(node, "7"))).toBe(node);
    }
    expect(memberId("a#1", "2")).not.toBe(memberId("a", "12"));
  });

  it.each(["", "a/b", "a b", "#", "x".repeat(41)])("refuses %j as a life", (boot) => {
    expect(() => memberId("a", boot)).toThrow(/^INVALID_ARGUMENT: boot must be/);
  });

  it("refuses nodes that are none, and names that are too long together", () => {
    expect(() => memberId("", "1")).toThrow(/node must be/);
    expect(() => memberId("\ud800", "1")).toThrow(/node must be/);
    expect(() => memberId("x".repeat(127), "12")).toThrow(/node and boot must be/);
  });

  it("is none without a life", () => {
    for (const text of ["a", "a#", "#1", "a#b c"]) expect(nodeOf(text)).toBeUndefined();
  });
});

describe("a list of members", () => {
  it("is sorted, and refuses duplicates and what is no member", () => {
    expect(checkMembers("members", ["b#1", "a#1"])).toEqual(["a#1", "b#1"]);
    expect(() => checkMembers("members", ["a#1", "a#1"])).toThrow(/free of duplicates/);
    expect(() => checkMembers("members", ["a"])).toThrow(/a member id/);
    expect(() => checkMembers("members", "a#1" as never)).toThrow(/an array/);
  });
});
