import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DirectoryMap } from "./directory-map.ts";
import { HashRing } from "./hash-ring.ts";
import type { Owners } from "./placement.ts";
import { HOSTILE_IDS, HOSTILE_KEYS } from "./placements.fixture.ts";
import { RangeMap } from "./range-map.ts";

const ring = HashRing.of(["a", "b", "c"]);
const keys = Array.from({ length: 200 }, (_, index) => `tenant/${index}`);
const entries = fc.dictionary(
  fc.constantFrom(...keys.slice(0, 20)),
  fc.constantFrom("a", "b", "z"),
);

describe("DirectoryMap", () => {
  it("gives a key to its entry, and all others to the fallback", () => {
    const directory = DirectoryMap.of([["tenant/7", "big"]], { fallback: ring });
    expect(directory.owner("tenant/7")).toBe("big");
    expect(directory.entry("tenant/7")).toBe("big");
    for (const key of keys.slice(8)) expect(directory.owner(key)).toBe(ring.owner(key));
    expect(directory.entry("tenant/8")).toBeUndefined();
    expect(directory.fallback).toBe(ring);
  });

  it("knows nobody for other keys where there is no fallback", () => {
    expect(DirectoryMap.of([]).owner("key")).toBeUndefined();
    expect(DirectoryMap.of(new Map([["", "a"]])).owner("")).toBe("a");
  });

  it("falls back on a range map and on another directory", () => {
    const inner = DirectoryMap.of([["x", "inner"]], { fallback: RangeMap.of("all") });
    const outer = DirectoryMap.of([["y", "outer"]], { fallback: inner });
    expect(["x", "y", "z"].map((key) => outer.owner(key))).toEqual(["inner", "outer", "all"]);
  });

  it("takes hostile keys and nodes for what they are", () => {
    const directory = DirectoryMap.of(HOSTILE_IDS.map((id) => [id, id]));
    for (const id of HOSTILE_IDS) expect(directory.owner(id)).toBe(id);
    expect(directory.owner("hasOwnProperty")).toBeUndefined();
    for (const key of HOSTILE_KEYS.filter((key) => !HOSTILE_IDS.includes(key))) {
      expect(directory.owner(key)).toBeUndefined();
    }
    // A key asked for counts an unpaired surrogate as U+FFFD, as a hash would.
    expect(directory.with("\ufffd", "here").owner("\ud800")).toBe("here");
    expect(directory.with("\ufffd", "here").without("\ud800").owner("\ufffd")).toBeUndefined();
  });

  it("changes into new directories and stays as it is", () => {
    const directory = DirectoryMap.of([["x", "a"]], { fallback: ring });
    const more = directory.with("y", "b");
    expect([directory.size, more.size, more.without("x").size]).toEqual([1, 2, 1]);
    expect(more.without("x").owner("x")).toBe(ring.owner("x"));
    expect(more.with("y", "b")).toBe(more);
    expect(more.without("no such key")).toBe(more);
    expect(more.withFallback(undefined).owner("z")).toBeUndefined();
    expect(more.withFallback(undefined).owner("y")).toBe("b");
  });

  it("has a fingerprint of its entries, in any order, and of its fallback", () => {
    fc.assert(
      fc.property(entries, entries, (left, right) => {
        const [one, other] = [left, right].map((rows) => Object.entries(rows)) as [
          [string, string][],
          [string, string][],
        ];
        const prints = [one, one.toReversed(), other].map((rows) => DirectoryMap.of(rows));
        expect(prints[1]?.fingerprint).toBe(prints[0]?.fingerprint);
        const same = JSON.stringify(prints[0]?.entries()) === JSON.stringify(prints[2]?.entries());
        expect(prints[2]?.fingerprint === prints[0]?.fingerprint).toBe(same);
      }),
    );
    const bare = DirectoryMap.of([["x", "a"]]);
    expect(bare.withFallback(ring).fingerprint).not.toBe(bare.fingerprint);
    const other = bare.withFallback(ring.with("d"));
    expect(other.fingerprint).not.toBe(bare.withFallback(ring).fingerprint);
  });

  it("lists its entries in the order of bytes", () => {
    const directory = DirectoryMap.of([
      ["💥", "a"],
      ["\uffff", "b"],
      ["a", "c"],
    ]);
    expect(directory.entries().map(([key]) => key)).toEqual(["a", "\uffff", "💥"]);
  });

  it("tells which keys with an entry, before or after, change hands", () => {
    fc.assert(
      fc.property(entries, entries, (left, right) => {
        const before = DirectoryMap.of(Object.entries(left), { fallback: ring });
        const after = DirectoryMap.of(Object.entries(right), { fallback: ring });
        const expected = keys
          .filter((key) => before.owner(key) !== after.owner(key))
          .sort()
          .map((range) => {
            const [from, to] = [before.owner(range), after.owner(range)];
            return { from, to, range, share: undefined };
          });
        expect(before.moved(after)).toEqual(expected);
      }),
    );
  });

  it("leaves to the fallbacks what moves between them", () => {
    const before = DirectoryMap.of([["tenant/1", "big"]], { fallback: ring });
    const after = before.withFallback(ring.with("d"));
    expect(before.moved(after)).toEqual([]);
  });

  it("compares with directories alone", () => {
    const directory = DirectoryMap.of([]);
    expect(() => directory.moved(ring as unknown as DirectoryMap)).toThrow(/next must be a Direct/);
  });

  it("refuses what is no entry, no fallback and too much", () => {
    const of =
      (entries: unknown, options = {}) =>
      () =>
        DirectoryMap.of(entries as [string, string][], options);
    expect(of({ x: "a" })).toThrow(/entries must be a Map or a list of pairs/);
    expect(of("ab")).toThrow(/entries must be a Map or a list of pairs/);
    expect(of(["ab"])).toThrow(/entry must be a pair of key and node/);
    expect(of([["x", ""]])).toThrow(/entry.node must be/);
    expect(of([["\ud800", "a"]])).toThrow(/entry.key must be a well-formed string/);
    expect(of([["x".repeat(16_385), "a"]])).toThrow(/TOO_LARGE: entry.key has size 16385/);
    const twice = [
      ["x", "a"],
      ["x", "b"],
    ];
    expect(of(twice)).toThrow(/entry.key must be named once, got "x"/);
    expect(of([], { fallback: "a" as unknown as Owners })).toThrow(/fallback must be a placement/);
    expect(of([], { fallback: null })).toThrow(/fallback must be a placement/);
    expect(of([], { fallbck: ring })).toThrow(/fallbck/);
    const full = DirectoryMap.of([["x", "a"]], { maxEntries: 1 });
    expect(() => full.with("y", "a")).toThrow(/TOO_LARGE: entries has size 2, at most 1/);
    expect(full.with("x", "b").owner("x")).toBe("b");
    expect(
      of(
        [
          ["x", "a"],
          ["y", "a"],
        ],
        { maxEntries: 1 },
      ),
    ).toThrow(/TOO_LARGE/);
    expect(() => full.owner(7 as unknown as string)).toThrow(/key must be a string/);
  });
});
