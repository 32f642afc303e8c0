import { describe, expect, it } from "vitest";

import { branchFor, branchOf, checkBranch } from "./branch.ts";

describe("a key", () => {
  it.each([
    ["order-7/charge/do", "order-7/charge", "try"],
    ["order-7/charge/undo", "order-7/charge", "cancel"],
    ["order-7/audit/write/do", "order-7/audit/write", "try"],
    ["transfer-9/debit/try", "transfer-9/debit", "try"],
    ["transfer-9/debit/confirm", "transfer-9/debit", "confirm"],
    ["transfer-9/debit/cancel", "transfer-9/debit", "cancel"],
  ] as const)("%s is %s, %s", (key, branch, operation) => {
    expect(branchOf(key)).toEqual({ branch, operation });
  });

  it("puts an action and its undo on one branch, whatever the step is called", () => {
    expect(branchOf("a/undo/do").branch).toBe(branchOf("a/undo/undo").branch);
  });

  it.each(["", "do", "a/do", "order/charge", "order/charge/DO", "a//do", "/a/do", "a/b/do/"])(
    "refuses %j",
    (key) => {
      expect(() => branchOf(key)).toThrow(/INVALID_ARGUMENT/);
    },
  );

  it("of an undo does not pass for that of an action", () => {
    expect(branchFor("a/b/do", "try")).toBe("a/b");
    expect(() => branchFor("a/b/undo", "try")).toThrow(/INVALID_ARGUMENT: key/);
    expect(() => branchFor("a/b/do", "cancel")).toThrow(/INVALID_ARGUMENT: key/);
  });

  it("of a branch with more segments than fit is refused before anything is asked", () => {
    expect(() => checkBranch("branch", "alone")).toThrow(/INVALID_ARGUMENT/);
    expect(checkBranch("branch", Array(15).fill("a").join("/"))).toHaveLength(29);
    expect(() => checkBranch("branch", Array(16).fill("a").join("/"))).toThrow(/INVALID_ARGUMENT/);
  });
});
