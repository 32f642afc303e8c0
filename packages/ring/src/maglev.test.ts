import { describe, expect, it } from "vitest";
import { Maglev } from "./maglev.ts";
import { isPrime, primeFrom } from "./maglev/primes.ts";

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${i}`);
const KEYS = Array.from({ length: 50_000 }, (_, i) => `flow:${i}`);

describe("Maglev", () => {
  it.each([
    [10, 1.001],
    [100, 1.002],
    [1_000, 1.016],
  ])("balances %i nodes over 65 537 slots to %d of the mean at most", (count, bound) => {
    const placement = Maglev.of(ids(count));
    const shares = ids(count).map((id) => placement.share(id));
    expect(Math.max(...shares) * count).toBeLessThan(bound);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  it.each([10, 100, 600])("moves under 1.5 %% needlessly when one of %i nodes goes", (count) => {
    const before = Maglev.of(ids(count));
    const after = before.without("node-3");
    const stayed = KEYS.filter((key) => before.owner(key) !== "node-3");
    const needless = stayed.filter((key) => before.owner(key) !== after.owner(key));
    expect(needless.length / KEYS.length).toBeLessThan(0.015);
    // It does move some: the promise of the other placements is not made here.
    expect(needless.length).toBeGreaterThan(0);
  });

  it("gives keys to nodes as the slots are given", () => {
    const placement = Maglev.of(["a", { id: "b", weight: 2 }, { id: "c", weight: 5 }]);
    for (const id of ["a", "b", "c"]) {
      const share = placement.share(id);
      const count = KEYS.filter((key) => placement.owner(key) === id).length;
      const deviation = Math.sqrt(KEYS.length * share * (1 - share));
      expect(Math.abs(count - KEYS.length * share)).toBeLessThan(5 * deviation);
    }
    expect(placement.share("b")).toBeCloseTo(0.25, 3);
    expect(placement.share("gone")).toBe(0);
  });

  it("spreads the second owners of one node's keys over all the others", () => {
    const placement = Maglev.of(ids(5));
    const seconds = new Map<string, number>();
    for (const key of KEYS) {
      const [first, second = ""] = placement.owners(key, 2);
      if (first === "node-0") seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    const total = [...seconds.values()].reduce((sum, count) => sum + count, 0);
    expect([...seconds.keys()].sort()).toEqual(["node-1", "node-2", "node-3", "node-4"]);
    for (const count of seconds.values()) expect(count / total).toBeGreaterThan(0.2);
  });

  it("refuses a table whose size is no prime, and names the next", () => {
    expect(() => Maglev.of(["a"], { tableSize: 65_536 })).toThrow(
      "tableSize must be a prime; the next is 65537, got 65536",
    );
    for (const tableSize of [0, 1, -7, 2.5, Number.NaN, 16_777_214]) {
      expect(() => Maglev.of(["a"], { tableSize })).toThrow(/tableSize must be a prime from 2 to/);
    }
  });

  it("refuses more nodes than slots, then and when one more comes", () => {
    const cure = /tableSize must be at least one slot for each of 4 nodes, and better 100: 401/;
    expect(() => Maglev.of(["a", "b", "c", "d"], { tableSize: 3 })).toThrow(cure);
    expect(() => Maglev.of(["a", "b", "c"], { tableSize: 3 }).with("d")).toThrow(cure);
    const drained = Maglev.of(["a", "b", "c"], { tableSize: 3 }).with({ id: "d", weight: 0 });
    expect(drained.nodes).toHaveLength(4);
  });

  it("keeps its table size through changes, and tells it by the fingerprint", () => {
    const small = Maglev.of(["a", "b"], { tableSize: 251 });
    expect(small.with("c").without("a").tableSize).toBe(251);
    expect(small.fingerprint).not.toBe(Maglev.of(["a", "b"]).fingerprint);
    expect(small.with("a")).toBe(small);
    expect(small.without("z")).toBe(small);
  });

  it("works with the smallest tables and with none to fill", () => {
    expect(Maglev.of(["a", "b"], { tableSize: 2 }).share("a")).toBe(0.5);
    expect(Maglev.of([]).owner("key")).toBeUndefined();
    expect(Maglev.of([]).owners("key", 2, { distinct: "zone" })).toEqual([]);
  });
});

describe("primeFrom", () => {
  it("finds the next prime", () => {
    const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47];
    expect(Array.from({ length: 48 }, (_, i) => i).filter(isPrime)).toEqual(primes);
    expect(primeFrom(104_312)).toBe(104_323); // As in dgryski/go-maglev.
    expect(primeFrom(-1)).toBe(2);
    expect(isPrime(16_777_213)).toBe(true);
    expect(isPrime(2.5)).toBe(false);
  });
});
