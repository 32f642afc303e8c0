import { compareNames } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HOSTILE_IDS, HOSTILE_KEYS } from "./placements.fixture.ts";
import { type OwnedRange, RangeMap } from "./range-map.ts";

const halves = RangeMap.of([
  { from: "m", node: "b" },
  { from: "", node: "a" },
]);

/** Texts on both sides of the place where UTF-8 and UTF-16 disagree. */
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 3 }),
  fc.constantFrom("", "a", "ab", "b", "\ud7ff", "\ue000", "\uffff", "💥", "💥a", "\u{10ffff}"),
);
const maps = fc
  .uniqueArray(fc.tuple(text, fc.constantFrom("a", "b", "c")), {
    maxLength: 8,
    selector: ([from]) => from,
  })
  .map((rows) => {
    const starts = rows.filter(([from]) => from !== "").map(([from, node]) => ({ from, node }));
    return RangeMap.of([{ from: "", node: "a" }, ...starts]);
  });

/** Who owns `key`, by looking at every range. */
function byBruteForce(ranges: readonly OwnedRange[], key: string): string | undefined {
  return ranges.find(({ from, to }) => {
    return compareNames(from, key) <= 0 && (to === undefined || compareNames(key, to) < 0);
  })?.node;
}

describe("RangeMap", () => {
  it("gives every key to the range in which it lies", () => {
    expect(["", "a", "lzz", "m", "ma", "z"].map((key) => halves.owner(key)).join("")).toBe(
      "aaabbb",
    );
    expect(halves.range("n")).toEqual({ from: "m", to: undefined, node: "b" });
    expect(halves.size).toBe(2);
    fc.assert(
      fc.property(maps, text, (map, key) => {
        expect(map.owner(key)).toBe(byBruteForce(map.ranges(), key));
      }),
      { numRuns: 500 },
    );
  });

  it("orders keys by the bytes of their UTF-8, not by UTF-16 units", () => {
    const map = RangeMap.of([
      { from: "", node: "low" },
      { from: "\uffff", node: "middle" },
      { from: "💥", node: "high" },
    ]);
    expect(["\uffff", "💥"].toSorted()).toEqual(["💥", "\uffff"]); // What JavaScript thinks.
    expect(map.ranges().map(({ node }) => node)).toEqual(["low", "middle", "high"]);
    expect(map.owner("💥!")).toBe("high");
    expect(map.owner("\uffff!")).toBe("middle");
    expect(map.owner("\ud83d")).toBe("low"); // Alone it is U+FFFD.
  });

  it("comes back from its ranges, in any order, also by way of JSON", () => {
    fc.assert(
      fc.property(maps, (map) => {
        const copy = JSON.parse(JSON.stringify(map.ranges().toReversed())) as OwnedRange[];
        expect(RangeMap.of(copy).ranges()).toEqual(map.ranges());
        expect(RangeMap.of(copy).fingerprint).toBe(map.fingerprint);
      }),
    );
  });

  it("refuses ranges with a gap, an overlap, a twin or no beginning", () => {
    const of =
      (...rows: object[]) =>
      () =>
        RangeMap.of(rows as unknown as OwnedRange[]);
    expect(of()).toThrow(/range.from must be "" for the first range/);
    expect(of({ from: "a", node: "n" })).toThrow(/range.from must be "" for the first range/);
    expect(of({ from: "", node: "n" }, { from: "", node: "m" })).toThrow(/must be named once/);
    expect(of({ from: "", node: "n", to: "b" }, { from: "c", node: "m" })).toThrow(
      /range.to must be where the next range begins, "c", got "b"/,
    );
    expect(of({ from: "", node: "n", to: "b" })).toThrow(/undefined for the last range, got "b"/);
    expect(of({ from: "", node: "" })).toThrow(/node must be/);
    expect(of({ from: "\ud800", node: "n" })).toThrow(/range.from must be a well-formed string/);
    expect(of({ from: "", owner: "n" })).toThrow(/range.owner/);
    expect(() => RangeMap.of(7 as unknown as string)).toThrow(/ranges must be a node or a list/);
    expect(() => RangeMap.of("")).toThrow(/node must be/);
  });

  it("has a bound on ranges and on the length of their starts", () => {
    const map = RangeMap.of("a", { maxRanges: 2 }).split("m");
    expect(() => map.split("x")).toThrow(/TOO_LARGE: ranges has size 3, at most 2/);
    expect(() => RangeMap.of(map.split("m").ranges(), { maxRanges: 1 })).toThrow(/TOO_LARGE/);
    expect(() => map.split("x".repeat(16_385))).toThrow(/TOO_LARGE: at has size 16385/);
    expect(() => RangeMap.of("a", { maxRanges: 0 })).toThrow(/maxRanges must be/);
  });

  it("takes hostile nodes, starts and keys for what they are", () => {
    const starts = HOSTILE_IDS.map((from, index) => ({ from, node: HOSTILE_IDS[index] as string }));
    const map = RangeMap.of([{ from: "", node: "first" }, ...starts]);
    for (const id of HOSTILE_IDS) expect(map.owner(id)).toBe(id);
    for (const key of HOSTILE_KEYS) expect(map.owner(key)).toBe(byBruteForce(map.ranges(), key));
    expect(() => map.owner(undefined as unknown as string)).toThrow(/key must be a string/);
  });
});

describe("split and merge", () => {
  it("change the boundaries and the owner of nothing", () => {
    fc.assert(
      fc.property(maps, text, text, (map, at, key) => {
        const cut = map.split(at);
        expect(cut.range(at).from).toBe(at);
        expect(cut.owner(key)).toBe(map.owner(key));
        expect(map.moved(cut)).toEqual([]);
        if (cut === map) return;
        expect(cut.fingerprint).not.toBe(map.fingerprint);
        expect(cut.merge(at).fingerprint).toBe(map.fingerprint);
      }),
    );
  });

  it("refuse a boundary that is none, and one between two owners", () => {
    expect(() => halves.merge("x")).toThrow(/at must be where a range begins/);
    expect(() => halves.merge("")).toThrow(/at must be where a range begins/);
    expect(() => halves.merge("m")).toThrow(/of one owner, not "a" and "b": move one first/);
    expect(halves.split("m")).toBe(halves);
    expect(halves.split("")).toBe(halves);
    expect(() => halves.split("\udc00")).toThrow(/at must be a well-formed string/);
  });
});

describe("move", () => {
  it("changes the owner of the keys in the range, and of no other", () => {
    fc.assert(
      fc.property(maps, text, fc.option(text, { nil: undefined }), text, (map, from, to, key) => {
        if (to !== undefined && compareNames(from, to) >= 0) {
          expect(() => map.move({ from, to }, "z")).toThrow(/range.to must be a key after/);
          return;
        }
        const next = map.move({ from, to }, "z");
        const within = byBruteForce([{ from, to, node: "z" }], key) === "z";
        expect(next.owner(key)).toBe(within ? "z" : map.owner(key));
        expect(next.move({ from, to }, "z")).toBe(next);
      }),
      { numRuns: 500 },
    );
  });

  it("makes the boundaries it was told, even where the owner stays", () => {
    const map = RangeMap.of("a").move({ from: "b", to: "c" }, "a");
    expect(map.ranges().map(({ from }) => from)).toEqual(["", "b", "c"]);
  });

  it("keeps the boundaries within the range", () => {
    const map = RangeMap.of("a").split("c").split("f").move({ from: "b", to: "z" }, "n");
    expect(map.ranges().map(({ from, node }) => `${from}:${node}`)).toEqual([
      ":a",
      "b:n",
      "c:n",
      "f:n",
      "z:a",
    ]);
  });
});

describe("moved", () => {
  it("lists the pieces that change hands, joined where they continue each other", () => {
    const next = RangeMap.of("a").split("c").split("f").move({ from: "b", to: "p" }, "x");
    expect(halves.moved(next)).toEqual([
      { from: "a", to: "x", range: { from: "b", to: "m" }, share: undefined },
      { from: "b", to: "x", range: { from: "m", to: "p" }, share: undefined },
      { from: "b", to: "a", range: { from: "p", to: undefined }, share: undefined },
    ]);
  });

  it("compares with range maps alone", () => {
    expect(() => halves.moved(HOSTILE_IDS as unknown as RangeMap)).toThrow(
      /next must be a RangeMap/,
    );
  });

  it("covers exactly the keys whose owner changes, and no key twice", () => {
    fc.assert(
      fc.property(maps, maps, text, (before, after, key) => {
        const moves = before.moved(after);
        const hits = moves.filter(({ range }) => {
          return byBruteForce([{ ...range, node: "x" }], key) === "x";
        });
        const changes = before.owner(key) !== after.owner(key);
        expect(hits).toHaveLength(changes ? 1 : 0);
        if (!changes) return;
        expect([hits[0]?.from, hits[0]?.to]).toEqual([before.owner(key), after.owner(key)]);
      }),
      { numRuns: 1_000 },
    );
  });
});
