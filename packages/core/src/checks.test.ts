import { describe, expect, it } from "vitest";

import * as check from "./checks.ts";
import { isQuorateError } from "./errors/quorate-error.ts";

type Check = (value: unknown) => unknown;
const table: Record<string, { check: Check; good: unknown[]; bad: unknown[] }> = {
  positive: {
    check: (value) => check.positive("limit", value as number),
    good: [1, 0.5, 1e300],
    bad: [0, -1, Number.NaN, Infinity, "5", null, undefined, 5n],
  },
  nonNegative: {
    check: (value) => check.nonNegative("limit", value as number),
    good: [0, 0.5, 1e300],
    bad: [-1, Number.NaN, Infinity, "0", null],
  },
  positiveInteger: {
    check: (value) => check.positiveInteger("limit", value as number),
    good: [1, 2 ** 53 - 1],
    bad: [0, 1.5, 2 ** 53, Number.NaN, Infinity, "1", null],
  },
  position: {
    check: (value) => check.position("limit", value as number),
    good: [1, 2 ** 53 - 1],
    bad: [0, -5, 1.5, 2 ** 53, "1", null],
  },
  inRange: {
    check: (value) => check.inRange("limit", value as number, 1, 5),
    good: [1, 2.5, 5],
    bad: [0, 6, Number.NaN, Infinity, "3", null],
  },
  ttl: {
    check: (value) => check.ttl("limit", value as number, 10),
    good: [10, 3_155_760_000_000],
    bad: [9, 3_155_760_000_001, Number.NaN, Infinity, "10", null],
  },
  boundedString: {
    check: (value) => check.boundedString("limit", value as string, 4),
    good: ["a", "éé", "abcd"],
    bad: ["", "ééa", "abcde", "\ud800", 5, null],
  },
  boolean: {
    check: (value) => check.boolean("limit", value as boolean),
    good: [true, false],
    bad: ["true", 0, null, undefined],
  },
  callable: {
    check: (value) => check.callable("limit", value),
    good: [Math.max, () => {}],
    bad: [{}, "f", null],
  },
};

describe.each(Object.entries(table))("%s", (_, { check: run, good, bad }) => {
  it.each(good.map((value) => [value]))("takes %s", (value) => {
    expect(run(value)).toBe(value);
  });

  it.each(bad.map((value) => [value]))(
    "refuses %s, and names the option and the value",
    (value) => {
      try {
        run(value);
      } catch (error) {
        if (!isQuorateError(error, "INVALID_ARGUMENT")) throw error;
        expect(error.effect).toBe("none");
        expect(error.details.option).toBe("limit");
        expect(error.message).toContain(`limit must be`);
        expect(error.message).toContain(`got ${check.show(value)}`);
        return;
      }
      expect.unreachable("it was taken");
    },
  );
});

describe("ttl", () => {
  it("is rounded up to whole milliseconds: a lease must not end sooner than asked", () => {
    expect(check.ttl("ttlMs", 10.2, 10)).toBe(11);
  });
});

describe("show", () => {
  it("keeps a value short, on one line, and readable", () => {
    expect(check.show("a\nb")).toBe('"a\\nb"');
    expect(check.show("x".repeat(1_000)).length).toBeLessThan(70);
    expect(check.show([1, 2])).toBe("array of 2");
    expect(check.show(Object.create(null))).toBe("object");
    expect(check.show(Symbol("s"))).toBe("Symbol(s)");
    expect(check.show(7n)).toBe("7");
    expect(check.show(() => {})).toBe("function");
    expect(check.show(undefined)).toBe("undefined");
  });

  it("never shows what an object holds: it may be a secret", () => {
    expect(check.show({ password: "hunter2" })).toBe("object");
  });
});

describe("knownOptions", () => {
  it("refuses a misspelt option and lists the right ones", () => {
    const options = { ttlMs: 5, waitMS: 7 } as { ttlMs: number };
    const known = ["ttlMs", "waitMs"] as never;
    expect(() => check.knownOptions("lock", options, known)).toThrow(
      'lock.waitMS must be one of ttlMs, waitMs, got "unknown"',
    );
    expect(() => check.knownOptions("lock", null as never, known)).toThrow(
      "lock must be an object",
    );
    expect(check.knownOptions("lock", { ttlMs: 5 }, ["ttlMs"])).toEqual({ ttlMs: 5 });
  });
});

describe("invariant", () => {
  it("throws a plain error: a broken invariant is our defect, not the caller's", () => {
    expect(() => check.invariant(true, "fine")).not.toThrow();
    expect(() => check.invariant(false, "x < y")).toThrow("quorate: broken invariant: x < y");
    expect(isQuorateError(new Error("quorate"))).toBe(false);
  });
});
