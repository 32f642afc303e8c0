import { describe, expect, it } from "vitest";

import { MAX_HINT_MEMBERS, Members } from "./members.ts";
import { checkTiming } from "./timing.ts";

const code = (make: () => unknown): unknown => {
  try {
    make();
  } catch (error) {
    return (error as Error).message; // Begins with the code.
  }
  return "nothing";
};

describe("a list of members", () => {
  it("is a ring in its order, and a rank by the bytes of the ids", () => {
    const members = Members.of("b", ["c", "a", "b"]);
    expect(members.after("c")).toEqual(["a", "b"]);
    expect(members.after("b")).toEqual(["c", "a"]);
    expect(members.above("b")).toEqual(["c"]);
    expect(members.outranks("c", "a")).toBe(true);
  });

  it("is ranked by the caller's comparison", () => {
    const wish = ["paris", "oslo", "rome"];
    const compare = (a: string, b: string): number => wish.indexOf(b) - wish.indexOf(a);
    expect(Members.of("oslo", ["rome", "paris", "oslo"], compare).above("oslo")).toEqual(["paris"]);
  });

  it("knows strangers as such", () => {
    const members = Members.of("a", ["a", "b"]);
    expect(members.has("__proto__")).toBe(false);
    expect(members.outranks("z", "a")).toBe(false);
    expect(members.after("z")).toEqual(["a", "b"]);
  });

  it("refuses duplicate ids, by name (case 57)", () => {
    expect(code(() => Members.of("a", ["a", "b", "b"]))).toMatch(/^INVALID_ARGUMENT.*"b"/);
  });

  it("refuses a list without self, ranks with ties, and bad ids", () => {
    expect(code(() => Members.of("z", ["a"]))).toMatch(/^INVALID_ARGUMENT.*self z/);
    expect(code(() => Members.of("a", ["a", "b"], () => 0))).toMatch(/^INVALID_ARGUMENT.*ties/);
    for (const id of ["", "a/b", "x".repeat(129), "\u0000", 7 as unknown as string]) {
      expect(code(() => Members.of("a", ["a", id]))).toMatch(/^(INVALID_ARGUMENT|TOO_LARGE)/);
    }
    const many = Array.from({ length: MAX_HINT_MEMBERS + 1 }, (_, index) => `m${index}`);
    expect(code(() => Members.of("m0", many))).toMatch(/^TOO_LARGE.*257.*256/);
  });

  it("equals another with the same ring and the same rank", () => {
    const reversed = (a: string, b: string): number => (a < b ? 1 : -1);
    const members = Members.of("a", ["a", "b"]);
    expect(members.equals(Members.of("b", ["a", "b"]))).toBe(true);
    expect(members.equals(Members.of("a", ["b", "a"]))).toBe(false);
    expect(members.equals(Members.of("a", ["a", "b"], reversed))).toBe(false);
  });
});

describe("durations", () => {
  it("follow from the heartbeat where they are not given", () => {
    const expected = { heartbeatMs: 100, suspectAfterMs: 400, answerMs: 50 };
    expect(checkTiming({ heartbeatMs: 100 })).toEqual(expected);
  });

  it("are refused where one contradicts another, with both in the message", () => {
    const hasty = { heartbeatMs: 100, suspectAfterMs: 150 };
    expect(code(() => checkTiming(hasty))).toMatch(/suspectAfterMs.*200 ms.*got 150/);
    const slow = { heartbeatMs: 100, answerMs: 500 };
    expect(code(() => checkTiming(slow))).toMatch(/answerMs.*400 ms.*got 500/);
    for (const heartbeatMs of [0, -1, Number.NaN, Infinity]) {
      expect(code(() => checkTiming({ heartbeatMs }))).toMatch(/^INVALID_ARGUMENT: heartbeatMs/);
    }
  });
});
