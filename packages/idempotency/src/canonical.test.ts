import { createContext, runInContext } from "node:vm";

import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { canonicalJson } from "./canonical.ts";
import { fingerprint } from "./fingerprint.ts";

class Money {
  readonly cents = 5;
}

function refusalOf(value: unknown, name?: string): { place: string; message: string } {
  try {
    canonicalJson(value, name === undefined ? {} : { name });
  } catch (error) {
    if (!isQuorateError(error, "INVALID_ARGUMENT")) throw error;
    expect(error.effect).toBe("none");
    return { place: error.details.option, message: error.message };
  }
  return { place: "accepted", message: "" };
}

const cycle: Record<string, unknown> = { a: { b: [] } };
(cycle["a"] as { b: unknown[] }).b.push(cycle);
// eslint-disable-next-line no-sparse-arrays -- a hole is what is tested
const sparse = [1, , 3];
const named = Object.assign([1], { extra: 2 });

const NOT_JSON: readonly [string, unknown, RegExp][] = [
  ["a Map", new Map([[1, 2]]), /Object\.fromEntries/],
  ["a Set", new Set([1]), /\[\.\.\.set\]/],
  ["a Date", new Date(0), /toISOString/],
  ["a class instance", new Money(), /class Money: pass a plain object/],
  ["an object with toJSON of its own", { toJSON: () => 1 }, /a function/],
  ["a boxed number", Object(1), /class Number/],
  ["bytes", Buffer.from("x"), /base64/],
  ["an Error", new TypeError("x"), /error\.message/],
  ["a Promise", Promise.resolve(1), /await it/],
  ["a RegExp", /x/, /source/],
  ["a bigint", 1n, /String\(value\)/],
  ["NaN", Number.NaN, /finite number/],
  ["Infinity", Infinity, /finite number/],
  ["undefined", undefined, /null, or leave it out/],
  ["a function", () => 1, /what it returns/],
  ["a symbol", Symbol("s"), /description/],
  ["a symbol as a key", { [Symbol("s")]: 1 }, /symbol as a key/],
  ["a cycle", cycle, /inside itself/],
  ["a hole", sparse, /without item 1/],
  ["an array with members", named, /named members/],
  ["an array of a class", new (class Tags extends Array {})(), /class Tags/],
  ["half a surrogate pair", "\ud83d", /half a surrogate/],
  ["half a surrogate pair in a key", { "\ude00": 1 }, /half a surrogate/],
  ["a getter's undefined alone", [Object.create(Money.prototype)], /class Money/],
];

describe("canonicalJson", () => {
  it.each(NOT_JSON)("refuses %s, and says what to pass", (_, value, cure) => {
    expect(refusalOf(value).message).toMatch(cure);
    expect(refusalOf({ deep: [value] }).message).toMatch(value === undefined ? /undefined/ : cure);
  });

  it("names the place of what it refuses, and shows nothing of the payload", () => {
    const params = { items: [1, 2, 3, { "odd key": { secret: "hunter2\ud800" } }] };
    const { place, message } = refusalOf(params, "params");
    expect(place).toBe('params.items[3]["odd key"].secret');
    expect(message).not.toContain("hunter2");
    expect(refusalOf([new Map()]).place).toBe("value[0]");
    expect(refusalOf(new Map()).place).toBe("value");
    expect(refusalOf({ ["k".repeat(10_000)]: 1n }).message.length).toBeLessThan(400);
  });

  it("never gives one text to what JSON.stringify joins", () => {
    const joined = [new Set([1]), new Set([2]), Number.NaN, null, [undefined], [null], new Map()];
    const texts = joined.map((value) => refusalOf(value).message || canonicalJson(value));
    expect(texts.filter((text) => text === "null" || text === "[null]")).toHaveLength(2);
    expect(texts.filter((text) => text.startsWith("{"))).toHaveLength(0);
  });

  it("is the same for 1.0 and 1, -0 and 0, and for members in any order at any depth", () => {
    expect(canonicalJson([1.0, -0, 1e21, { b: { d: 1, c: 2 }, a: 1 }])).toBe(
      '[1,0,1e+21,{"a":1,"b":{"c":2,"d":1}}]',
    );
  });

  it("keeps NFC and NFD apart, as the RFC demands", () => {
    expect(fingerprint("\u00e9")).not.toBe(fingerprint("e\u0301"));
  });

  it("takes a member that is undefined for absent, as a wire would", () => {
    expect(canonicalJson({ a: undefined, b: 1, c: undefined })).toBe('{"b":1}');
    expect(canonicalJson({ a: undefined })).toBe(canonicalJson({}));
  });

  it("takes __proto__ and constructor for keys like any other", () => {
    const text = '{"__proto__":{"admin":true},"constructor":1}';
    expect(canonicalJson(JSON.parse(text))).toBe(text);
    expect(canonicalJson({})).toBe("{}");
    expect(canonicalJson(Object.assign(Object.create(null), { b: 1, a: 2 }))).toBe('{"a":2,"b":1}');
  });

  it("reads a getter once", () => {
    let reads = 0;
    const value = Object.defineProperty({}, "a", { enumerable: true, get: () => ++reads });
    expect(canonicalJson(value)).toBe('{"a":1}');
    expect(reads).toBe(1);
  });

  it("takes plain objects and arrays of another realm", () => {
    const foreign = runInContext("({ a: [1, { b: 2 }] })", createContext());
    expect(canonicalJson(foreign)).toBe('{"a":[1,{"b":2}]}');
    const map = runInContext("new Map()", createContext());
    expect(refusalOf(map).message).toMatch(/a Map/);
  });

  it("ends on what grows without end", () => {
    let laughs: unknown = "ha";
    for (let level = 0; level < 60; level++) laughs = { a: laughs, b: laughs };
    expect(() => canonicalJson(laughs)).toThrow(/TOO_LARGE.*1048576/);
    let nested: unknown = 1;
    for (let level = 0; level < 100_000; level++) nested = [nested];
    expect(refusalOf(nested).message).toMatch(/nested deeper than 64/);
    expect(() => canonicalJson("x".repeat(11), { maxLength: 12 })).toThrow(/TOO_LARGE/);
    expect(canonicalJson("x".repeat(10), { maxLength: 12 })).toHaveLength(12);
    expect(canonicalJson([[1]], { maxDepth: 2 })).toBe("[[1]]");
    expect(() => canonicalJson([[[1]]], { maxDepth: 2 })).toThrow(/deeper than 2/);
  });

  it.each([
    { maxdepth: 1 } as object,
    { maxDepth: 0 },
    { maxDepth: 501 },
    { maxLength: 0 },
    { maxLength: 1.5 },
  ])("refuses bounds that are none: %o", (bounds) => {
    expect(() => canonicalJson(1, bounds)).toThrow(/INVALID_ARGUMENT/);
  });

  it("sorts many keys as it sorts few", () => {
    const keys = Array.from({ length: 200 }, (_, index) => `k${(index * 7919) % 200}`);
    const value = Object.fromEntries(keys.map((key) => [key, 0]));
    expect(Object.keys(JSON.parse(canonicalJson(value)))).toEqual(keys.toSorted());
  });
});

/** The same value with its members in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [key, reordered(member)] as const);
  return Object.fromEntries(members.toReversed());
}

describe("canonicalJson and fingerprint, of any JSON", () => {
  // Keys that are array indices keep their place in an object; both kinds are wanted.
  const json = fc.jsonValue({ noUnicodeString: false });

  it("come back deep-equal through JSON.parse", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("do not depend on the order of members", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(reordered(value))).toBe(canonicalJson(value));
        expect(fingerprint(reordered(value))).toBe(fingerprint(value));
      }),
    );
  });

  it("differ for values that differ, and are equal for values that are equal", () => {
    const small = fc.jsonValue({ maxDepth: 2 });
    fc.assert(
      fc.property(small, small, (left, right) => {
        const equal = normal(left) === normal(right);
        expect(canonicalJson(left) === canonicalJson(right)).toBe(equal);
        expect(fingerprint(left) === fingerprint(right)).toBe(equal);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Another canonical form, made otherwise: entries as nested arrays, sorted by `sort`. */
function normal(value: unknown): string {
  const walk = (one: unknown): unknown => {
    if (Array.isArray(one)) return ["array", one.map(walk)];
    if (typeof one !== "object" || one === null) return one;
    const entries = Object.entries(one).map(([key, member]) => [key, walk(member)] as const);
    return ["object", entries.toSorted(([a], [b]) => (a < b ? -1 : 1))];
  };
  return JSON.stringify(walk(value));
}
