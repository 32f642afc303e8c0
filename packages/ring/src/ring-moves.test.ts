import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HashRing } from "./hash-ring.ts";
import type { PlacementNode } from "./placement.ts";
import { HASHES, LAST_HASH } from "./points/point-table.ts";
import { keyAt, toyHash } from "./toy-hash.fixture.ts";

/** Places on the circle and points: with 16 bits nearly all points differ, with 8 few do. */
const TOYS = [
  { bits: 16, points: 6 },
  { bits: 8, points: 60 },
] as const;
type Toy = (typeof TOYS)[number];

const nodes = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom("a", "b", "c", "d", "e", "f", "__proto__"),
    weight: fc.constantFrom(0, 0.5, 1, 2, 3.3),
  }),
  { selector: ({ id }) => id, maxLength: 6 },
);

function toyRing(given: readonly PlacementNode[], { bits, points }: Toy = TOYS[0]): HashRing {
  return HashRing.of(given, { points, hash: toyHash(bits) });
}

describe("moved", () => {
  it.each(TOYS)("equals brute force over all 2^$bits hashes of a toy ring", (toy) => {
    fc.assert(
      fc.property(nodes, nodes, (old, now) => {
        const [before, after] = [toyRing(old, toy), toyRing(now, toy)];
        const moves = before.moved(after);
        let at = 0;
        let differing = 0;
        // Counted rather than compared one by one: 65,536 assertions a run would take minutes.
        for (let place = 0; place < HASHES; place += 2 ** (32 - toy.bits)) {
          const from = before.owner(keyAt(place));
          const to = after.owner(keyAt(place));
          while (at < moves.length && (moves[at]?.range.last ?? 0) < place) at++;
          const move = moves[at];
          const inside = move !== undefined && move.range.first <= place;
          if (inside !== (from !== to)) differing += 1;
          if (inside && (move.from !== from || move.to !== to)) differing += 1;
        }
        expect(differing).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it("lists disjoint ascending ranges, neighbours joined, with exact shares", () => {
    fc.assert(
      fc.property(nodes, nodes, (old, now) => {
        const [before, after] = [toyRing(old), toyRing(now)];
        let last = -1;
        let previous: { from: string | undefined; to: string | undefined } | undefined;
        for (const { from, to, range, share } of before.moved(after)) {
          expect(range.first).toBeGreaterThan(last);
          expect(range.last).toBeGreaterThanOrEqual(range.first);
          expect(range.last).toBeLessThanOrEqual(LAST_HASH);
          expect(share).toBe((range.last - range.first + 1) / HASHES);
          expect(from).not.toBe(to);
          if (range.first === last + 1) expect({ from, to }).not.toEqual(previous);
          last = range.last;
          previous = { from, to };
        }
      }),
      { numRuns: 300 },
    );
  });

  it("accounts for every change of share, to the last hash", () => {
    fc.assert(
      fc.property(nodes, nodes, (old, now) => {
        const [before, after] = [toyRing(old), toyRing(now)];
        const change = new Map<string | undefined, number>();
        for (const { from, to, share } of before.moved(after)) {
          change.set(from, (change.get(from) ?? 0) - share);
          change.set(to, (change.get(to) ?? 0) + share);
        }
        for (const { id } of [...before.nodes, ...after.nodes]) {
          expect(change.get(id) ?? 0).toBe(after.share(id) - before.share(id));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("moves everything from nobody into an empty ring, and back", () => {
    const [empty, one] = [HashRing.of([]), HashRing.of(["a"])];
    const all = { first: 0, last: LAST_HASH };
    expect(empty.moved(one)).toEqual([{ from: undefined, to: "a", range: all, share: 1 }]);
    expect(one.moved(empty)).toEqual([{ from: "a", to: undefined, range: all, share: 1 }]);
    expect(one.moved(HashRing.of(["b"]))).toEqual([{ from: "a", to: "b", range: all, share: 1 }]);
  });

  it("is of use with the hash of a real key", () => {
    const before = HashRing.of(["a", "b", "c"]);
    const after = before.with("d");
    const moves = before.moved(after);
    for (let index = 0; index < 2_000; index++) {
      const hash = before.hash(`key ${index}`);
      const move = moves.find(({ range }) => range.first <= hash && hash <= range.last);
      const [from, to] = [before.owner(`key ${index}`), after.owner(`key ${index}`)];
      expect(move === undefined ? from : move.to).toBe(to);
    }
  });

  it("refuses rings that hash keys otherwise: their ranges mean different keys", () => {
    const ring = HashRing.of(["a"]);
    const others = [
      HashRing.of(["a"], { seed: 1 }),
      HashRing.of(["a"], { hash: toyHash(8) }),
      HashRing.ketama(["a"]),
    ];
    for (const other of others) {
      expect(() => ring.moved(other)).toThrow(/next must be a ring with the key hash murmur3\/0/);
      expect(() => ring.plan(other)).toThrow(/next must be/);
    }
    expect(ring.moved(HashRing.of(["a"], { points: 7 }))).toEqual([]);
  });
});

describe("ranges and shares", () => {
  it.each(TOYS)("cover the circle of 2^$bits places exactly once", (toy) => {
    fc.assert(
      fc.property(nodes, (given) => {
        const ring = toyRing(given, toy);
        const all = ring.nodes
          .flatMap(({ id }) => ring.ranges(id).map((range) => ({ id, ...range })))
          .toSorted((left, right) => left.first - right.first);
        let next = 0;
        for (const { id, first, last } of all) {
          expect(first).toBe(next);
          expect(last).toBeGreaterThanOrEqual(first);
          expect(ring.owner(keyAt(first))).toBe(id);
          expect(ring.owner(keyAt(last))).toBe(id);
          next = last + 1;
        }
        expect(next).toBe(all.length === 0 ? 0 : HASHES);
        for (const { id } of ring.nodes) {
          const hashes = ring
            .ranges(id)
            .reduce((sum, { first, last }) => sum + last - first + 1, 0);
          expect(ring.share(id)).toBe(hashes / HASHES);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("are empty for somebody who is not there", () => {
    expect(HashRing.of(["a"]).share("b")).toBe(0);
    expect(HashRing.of(["a"]).ranges("b")).toEqual([]);
  });
});
