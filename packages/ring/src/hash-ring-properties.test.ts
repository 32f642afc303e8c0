import { seededRandom } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HashRing } from "./hash-ring.ts";
import type { PlacementNode } from "./placement.ts";

const keys = Array.from({ length: 300 }, (_, index) => `user:${index}`);
const ids = ["a", "b", "a#1", "node1", "node11", "__proto__", "😀", "é", "constructor", " "];

const node = fc.record({
  id: fc.constantFrom(...ids),
  weight: fc.oneof(fc.constantFrom(0, 0.001, 1, 2), fc.double({ min: 0.01, max: 8, noNaN: true })),
});
/** Nodes set, in order; weight `undefined` removes. */
const history = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: node },
    {
      weight: 1,
      arbitrary: fc.record({ id: fc.constantFrom(...ids), weight: fc.constant(undefined) }),
    },
  ),
  { maxLength: 12 },
);

type Step = { readonly id: string; readonly weight: number | undefined };

function step(ring: HashRing, { id, weight }: Step): HashRing {
  return weight === undefined ? ring.without(id) : ring.with({ id, weight });
}

describe("over 1000 random histories of weights", () => {
  it("each step moves exactly the share that its node wins or loses, and nothing else", () => {
    fc.assert(
      fc.property(history, (steps) => {
        let ring = HashRing.of([]);
        for (const given of steps) {
          const next = step(ring, given);
          const moves = ring.moved(next);
          const [before, after] = [ring.share(given.id), next.share(given.id)];
          const gained = moves.filter(({ to }) => to === given.id);
          const given2 = moves.filter(({ from }) => from === given.id);
          // All moves touch this node; it gains or loses, never both.
          expect(gained.length + given2.length).toBe(moves.length);
          expect(gained.length === 0 || given2.length === 0).toBe(true);
          const moved = moves.reduce((sum, { share }) => sum + share, 0);
          expect(Math.abs(moved - Math.abs(after - before))).toBeLessThan(1e-12);
          ring = next;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("ends as the ring that is built from what is left", () => {
    fc.assert(
      fc.property(history, fc.integer(), (steps, seed) => {
        const ring = steps.reduce<HashRing>(step, HashRing.of([]));
        const left = new Map<string, PlacementNode>();
        for (const { id, weight } of steps) {
          if (weight === undefined) left.delete(id);
          else left.set(id, { id, weight });
        }
        const random = seededRandom(seed);
        const shuffled = [...left.values()]
          .map((value) => ({ value, key: random.next() }))
          .toSorted((one, other) => one.key - other.key)
          .map(({ value }) => value);
        const fresh = HashRing.of(shuffled);
        expect(ring.fingerprint).toBe(fresh.fingerprint);
        expect(ring.nodes).toEqual(fresh.nodes);
        expect(ring.moved(fresh)).toEqual([]);
        for (const key of keys) expect(ring.owner(key)).toBe(fresh.owner(key));
      }),
      { numRuns: 1_000 },
    );
  });

  it("is what it was after a node came and went", () => {
    fc.assert(
      fc.property(
        history,
        fc.string({ minLength: 1 }),
        fc.double({ min: 0.01, max: 9 }),
        (steps, id, weight) => {
          const ring = steps.reduce<HashRing>(step, HashRing.of([]));
          fc.pre(ring.nodes.every((known) => known.id !== id) && !Number.isNaN(weight));
          const back = ring.with({ id, weight }).without(id);
          expect(back.fingerprint).toBe(ring.fingerprint);
          expect(ring.moved(back)).toEqual([]);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("keeps preference lists when a node goes: less that one, and one more at the end", () => {
    fc.assert(
      fc.property(history, fc.nat(), fc.integer({ min: 1, max: 6 }), (steps, which, count) => {
        const ring = steps.reduce<HashRing>(step, HashRing.of([]));
        const gone = ring.nodes[which % Math.max(1, ring.nodes.length)]?.id ?? "nobody";
        const rest = ring.without(gone);
        for (const key of keys.slice(0, 40)) {
          const old = ring.owners(key, count).filter((id) => id !== gone);
          expect(rest.owners(key, count).slice(0, old.length)).toEqual(old);
          expect(old[0]).toBe(ring.owner(key) === gone ? old[0] : rest.owner(key));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps lists over zones when a node goes that is not on them", () => {
    const zoned = fc.uniqueArray(
      fc.record({ id: fc.constantFrom(...ids), zone: fc.constantFrom("1", "2", "3", undefined) }),
      { selector: ({ id }) => id, minLength: 1 },
    );
    fc.assert(
      fc.property(zoned, fc.nat(), fc.integer({ min: 1, max: 5 }), (given, which, count) => {
        const ring = HashRing.of(
          given.map(({ id, zone }) => (zone === undefined ? { id } : { id, zone })),
        );
        const gone = ring.nodes[which % ring.nodes.length]?.id ?? "";
        const rest = ring.without(gone);
        for (const key of keys.slice(0, 40)) {
          const old = ring.owners(key, count, { distinct: "zone" });
          if (!old.includes(gone)) {
            expect(rest.owners(key, count, { distinct: "zone" })).toEqual(old);
          }
          const zones = old.map((id) => given.find((one) => one.id === id)?.zone ?? id);
          const all = new Set(given.map(({ id, zone }) => zone ?? id)).size;
          expect(new Set(zones).size).toBe(Math.min(old.length, all));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the load's coefficient of variation", () => {
  it.each([
    [3, 160],
    [10, 40],
    [10, 160],
    [50, 100],
    [100, 160],
    [200, 20],
  ])("of %i nodes with %i points is within 15 % of √((n−1)/(n·v+1))", (n, points) => {
    // Pooled over many clusters: one cluster of 3 nodes says little about its own law.
    const clusters = Math.ceil(4_000 / n);
    let squares = 0;
    for (let cluster = 0; cluster < clusters; cluster++) {
      const names = Array.from({ length: n }, (_, index) => `cluster-${cluster}-node-${index}`);
      const ring = HashRing.of(names, { points });
      for (const name of names) squares += (ring.share(name) * n - 1) ** 2;
    }
    const measured = Math.sqrt(squares / (clusters * n));
    const expected = Math.sqrt((n - 1) / (n * points + 1));
    expect(Math.abs(measured / expected - 1)).toBeLessThan(0.15);
  });

  it("follows weights: twice the weight is twice the load, on average", () => {
    const heavy: number[] = [];
    for (let cluster = 0; cluster < 200; cluster++) {
      const light = Array.from({ length: 6 }, (_, index) => `${cluster}-${index}`);
      const ring = HashRing.of([...light, { id: `heavy-${cluster}`, weight: 2 }]);
      heavy.push(ring.share(`heavy-${cluster}`));
    }
    const mean = heavy.reduce((sum, share) => sum + share, 0) / heavy.length;
    expect(Math.abs(mean / (2 / 8) - 1)).toBeLessThan(0.02);
  });
});
