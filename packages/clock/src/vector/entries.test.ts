/** What the two kinds of vector have in common: laws, bounds, encodings, hostile input. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { VectorClock } from "./vector-clock.ts";
import { VersionVector } from "./version-vector.ts";

const HOSTILE = [
  "__proto__",
  "constructor",
  "a#1",
  "a",
  "#1",
  "a:1",
  "1",
  "0",
  "🦊",
  "ё",
  "a/b",
  " ",
];
const id = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
);
const counts = fc.uniqueArray(fc.tuple(id, fc.nat(3)), { selector: ([key]) => key, maxLength: 8 });
/** Few ids, so that two clocks often have the same: rosters are shared and walked in turn. */
const few = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.nat(2), { noNullPrototype: true });

function refusal(code: string): unknown {
  return expect.objectContaining({ code, effect: "none" });
}

describe.each([
  ["VectorClock", VectorClock],
  ["VersionVector", VersionVector],
])("%s", (_, kind) => {
  const Kind = kind as typeof VectorClock;

  it("has one form: an entry of 0 is no entry", () => {
    expect(Kind.of({ a: 0 }).compare(Kind.of({}))).toBe("equal");
    expect(Kind.of({ a: 0, b: 2 }).encode()).toBe(Kind.of({ b: 2 }).encode());
    expect(Kind.of({ a: 0 }).size).toBe(0);
  });

  it("tells concurrent from equal", () => {
    expect(Kind.of({ a: 1 }).compare(Kind.of({ b: 1 }))).toBe("concurrent");
    expect(Kind.of({ a: 1 }).compare(Kind.of({ a: 1 }))).toBe("equal");
    expect(Kind.of({ a: 1, b: 2 }).compare(Kind.of({ a: 2, b: 1 }))).toBe("concurrent");
  });

  it("compares entry by entry, as the definition says", () => {
    fc.assert(
      fc.property(fc.oneof(counts, few), fc.oneof(counts, few), (left, right) => {
        const [a, b] = [Kind.of(left), Kind.of(right)];
        const ids = [...a, ...b].map(([key]) => key);
        const less = ids.some((key) => a.get(key) < b.get(key));
        const more = ids.some((key) => a.get(key) > b.get(key));
        const expected = less ? (more ? "concurrent" : "before") : more ? "after" : "equal";
        expect(a.compare(b)).toBe(expected);
        expect(a.compare(b)).toBe(expected); // Again, now that the two may share a roster.
      }),
      { numRuns: 1_000 },
    );
  });

  it("merges to the least that is not before either: commutative, associative, idempotent", () => {
    fc.assert(
      fc.property(fc.tuple(counts, few, counts), (sources) => {
        const [a, b, c] = sources.map((source) => Kind.of(source)) as [
          VectorClock,
          VectorClock,
          VectorClock,
        ];
        const both = a.merge(b);
        for (const [key] of both) expect(both.get(key)).toBe(Math.max(a.get(key), b.get(key)));
        expect(both.encode()).toBe(b.merge(a).encode());
        expect(both.merge(c).encode()).toBe(a.merge(b.merge(c)).encode());
        expect(a.merge(a).encode()).toBe(a.encode());
        expect(["equal", "after"]).toContain(both.compare(a));
      }),
    );
  });

  it("never changes: tick and merge leave their operands as they were", () => {
    const a = Kind.of({ a: 1, b: 1 });
    const b = Kind.of({ a: 1, b: 1 });
    expect(a.compare(b)).toBe("equal"); // From here on they share a roster.
    expect(
      a
        .tick("a")
        .tick("0")
        .merge(Kind.of({ z: 1 }))
        .encode(),
    ).toBe("0:1:a:2:b:1:z:1");
    expect([a.encode(), b.encode()]).toEqual(["a:1:b:1", "a:1:b:1"]);
  });

  it("refuses the tick that would leave the safe integers, and stays as it was", () => {
    const full = Kind.of({ a: Number.MAX_SAFE_INTEGER });
    expect(() => full.tick("a")).toThrow(refusal("INVALID_ARGUMENT"));
    expect(full.get("a")).toBe(2 ** 53 - 1);
    expect(
      Kind.of({ a: 2 ** 53 - 2 })
        .tick("a")
        .get("a"),
    ).toBe(2 ** 53 - 1);
    expect(full.tick("b").get("b")).toBe(1);
  });

  it("takes hostile ids for ids", () => {
    let clock = Kind.of();
    for (const hostile of HOSTILE) clock = clock.tick(hostile);
    expect(clock.size).toBe(HOSTILE.length);
    for (const hostile of HOSTILE) expect(clock.get(hostile)).toBe(1);
    expect(clock.get("toString")).toBe(0);
    expect(({} as Record<string, unknown>)["tick"]).toBeUndefined();
    expect(Kind.decode(clock.encode()).compare(clock)).toBe("equal");
  });

  it.each(["", "x".repeat(10_000), "\ud83e", 5 as never])("refuses %j as an id", (bad) => {
    expect(() => Kind.of().tick(bad)).toThrow(refusal("INVALID_ARGUMENT"));
    expect(() => Kind.of([[bad, 1]])).toThrow(refusal("INVALID_ARGUMENT"));
    expect(() => Kind.fromJSON([[bad, 1]])).toThrow(refusal("INVALID_ARGUMENT"));
  });

  it.each([
    ["a negative count", { a: -1 }],
    ["a broken count", { a: 1.5 }],
    ["no count", { a: Number.NaN }],
    ["an unsafe count", { a: 2 ** 53 }],
    [
      "an id twice",
      [
        ["a", 1],
        ["a", 2],
      ] as [string, number][],
    ],
    [
      "an id twice, once with nothing",
      [
        ["a", 0],
        ["a", 2],
      ] as [string, number][],
    ],
    ["what is no pair", [1, 2] as never],
    ["no counts", null as never],
    ["text", "a:1" as never],
  ])("refuses %s", (_name, source) => {
    expect(() => Kind.of(source)).toThrow(refusal("INVALID_ARGUMENT"));
  });

  it("is bounded, and what is made of it inherits the bound", () => {
    const small = Kind.of({ a: 1, b: 1 }, { maxEntries: 2 });
    expect(small.tick("a").maxEntries).toBe(2);
    const wide = Kind.of({ a: 2, b: 1 });
    for (const part of [{}, { a: 1 }, { a: 1, b: 3 }]) {
      expect(Kind.of(part, { maxEntries: 2 }).merge(wide).maxEntries).toBe(2);
      expect(wide.merge(Kind.of(part, { maxEntries: 2 })).maxEntries).toBe(256);
    }
    const tooLarge = expect.objectContaining({
      code: "TOO_LARGE",
      details: { option: "maxEntries", size: 3, limit: 2 },
    });
    expect(() => small.tick("c")).toThrow(tooLarge);
    expect(() => small.merge(Kind.of({ c: 1 }))).toThrow(tooLarge);
    expect(() => Kind.of({ a: 1, b: 1, c: 1 }, { maxEntries: 2 })).toThrow(tooLarge);
    expect(() => Kind.decode("a:1:b:1:c:1", { maxEntries: 2 })).toThrow(tooLarge);
    expect(() =>
      Kind.fromJSON(
        [
          ["a", 1],
          ["b", 1],
          ["c", 1],
        ],
        { maxEntries: 2 },
      ),
    ).toThrow(tooLarge);
    expect(Kind.of().maxEntries).toBe(256);
    for (const maxEntries of [0, -1, 1.5, Number.NaN, 65_537, "9" as never]) {
      expect(() => Kind.of({}, { maxEntries })).toThrow(refusal("INVALID_ARGUMENT"));
    }
    expect(() => Kind.of({}, { max: 3 } as never)).toThrow(refusal("INVALID_ARGUMENT"));
  });

  it("keeps its bound when decoding meets a roster that it knows", () => {
    Kind.decode("p:1:q:1:r:1");
    expect(() => Kind.decode("p:2:q:2:r:2", { maxEntries: 2 })).toThrow(refusal("TOO_LARGE"));
  });

  it("comes back from text and from JSON, equal clocks from equal text", () => {
    fc.assert(
      fc.property(counts, (source) => {
        const clock = Kind.of(source);
        const text = clock.encode();
        expect(text).toMatch(/^[\w.!~*'():%-]+$/); // Header, cookie and query, unescaped.
        expect(Kind.decode(text).encode()).toBe(text);
        expect(Kind.decode(text).compare(clock)).toBe("equal");
        expect(Kind.of(source.toReversed()).encode()).toBe(text);
        const json: unknown = JSON.parse(JSON.stringify(clock));
        expect(Kind.fromJSON(json).encode()).toBe(text);
        expect(String(clock)).toBe(text);
      }),
      { numRuns: 500 },
    );
    expect(Kind.of().encode()).toBe("0");
    expect(Kind.decode("0").size).toBe(0);
  });

  it.each([
    "",
    ":",
    "a",
    "a:",
    ":1",
    "a:0",
    "a:01",
    "a:-1",
    "a:1.5",
    "a:1e3",
    "a:9007199254740992",
    "a:1:",
    "b:1:a:1",
    "a:1:a:2",
    "a:1:b",
    "0:",
    "%61:1",
    "%zz:1",
    "%:1",
    "ё:1",
    "a b:1",
    "%ED%A0%80:1",
    "%c3%a9:1",
    "a:1xb:2",
    "a:1;b:2",
    "a;1:b:2",
    "a:1:b:2:",
    "a:1:b:2x",
    "a:99999999999999999",
    ` a:1`,
    "a:1\n",
    "a:١",
    7 as never,
    null as never,
    undefined as never,
  ])("refuses %j as text", (text) => {
    Kind.decode("a:1"); // So that the decoder has a roster in mind that nearly fits.
    expect(() => Kind.decode(text)).toThrow(refusal("INVALID_ARGUMENT"));
    Kind.decode("a:1:b:2");
    expect(() => Kind.decode(text)).toThrow(refusal("INVALID_ARGUMENT"));
  });

  it.each(
    [
      null,
      {},
      "x",
      [1],
      [["a"]],
      [["a", 1, 2]],
      [["a", 0]],
      [["a", "1"]],
      [["a", 2 ** 53]],
      [
        ["b", 1],
        ["a", 1],
      ],
      [
        ["a", 1],
        ["a", 1],
      ],
      [[["a"], 1]],
      [[null, 1]],
    ].map((json) => [json]),
  )("refuses %j as JSON", (json) => {
    expect(() => Kind.fromJSON(json)).toThrow(refusal("INVALID_ARGUMENT"));
  });

  it("accepts of random text only what it would have written", () => {
    const noise = fc.string({
      unit: fc.constantFrom("a", "b", ":", "0", "1", "9", "%", "6"),
      maxLength: 12,
    });
    fc.assert(
      fc.property(noise, (text) => {
        let clock: VectorClock;
        try {
          clock = Kind.decode(text);
        } catch (error) {
          expect(error).toEqual(refusal("INVALID_ARGUMENT"));
          return;
        }
        expect(clock.encode()).toBe(text);
      }),
      { numRuns: 5_000 },
    );
  });

  it("does not take 100 MB apart to find that it is too long", () => {
    expect(() => Kind.decode("a:1:".repeat(25_000_000))).toThrow(refusal("TOO_LARGE"));
  });

  it.each([null, undefined, {}, "a:1", [["a", 1]]])("refuses to compare with %j", (other) => {
    expect(() => Kind.of().compare(other as never)).toThrow(refusal("INVALID_ARGUMENT"));
    expect(() => Kind.of().merge(other as never)).toThrow(refusal("INVALID_ARGUMENT"));
  });
});

describe("the two kinds", () => {
  it("do not mix, neither for the compiler nor at run time", () => {
    const clock = VectorClock.of({ a: 1 });
    const vector = VersionVector.of({ a: 1 });
    // @ts-expect-error -- a vector clock is no version vector
    expect(() => vector.compare(clock)).toThrow(refusal("INVALID_ARGUMENT"));
    // @ts-expect-error -- a version vector is no vector clock
    expect(() => clock.merge(vector)).toThrow(refusal("INVALID_ARGUMENT"));
  });
});
