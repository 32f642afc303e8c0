import { describe, expect, it } from "vitest";

import { bytesOf, Ledger, type OwnerDelta } from "./ledger.ts";

const BOUNDS = { maxKeys: 8, maxOwnerBytes: 1_024 };

/** The owner's own ledger, after some writes: a key alone removes it. */
function written(...writes: readonly (readonly [key: string, value?: string])[]): Ledger {
  const ledger = new Ledger("ada", 1, BOUNDS);
  for (const [key, value] of writes) ledger.write(key, value, 0);
  return ledger;
}

function other(bounds = BOUNDS): Ledger {
  return new Ledger("ada", 1, bounds);
}

/** What stands, by key. */
function standing(ledger: Ledger): Readonly<Record<string, string>> {
  const entries = [...ledger.entries()].filter(({ value }) => value !== undefined);
  return Object.fromEntries(entries.map(({ key, value }) => [key, value ?? ""]));
}

describe("a ledger", () => {
  it("numbers its owner's writes, and tells all to who knows nothing", () => {
    const ada = written(["x", "1"], ["y", "1"], ["x", "2"]);
    const bob = other();
    const { changed } = bob.apply(ada.deltaAfter(0), 0);
    expect([...changed].sort()).toEqual(["x", "y"]);
    expect(standing(bob)).toEqual({ x: "2", y: "1" });
    expect(bob.known).toEqual({ owner: "ada", life: 1, version: 3 });
  });

  it("tells only what the other lacks", () => {
    const ada = written(["x", "1"], ["y", "1"]);
    expect(ada.deltaAfter(1).entries).toEqual([{ key: "y", version: 2, value: "1" }]);
    expect(ada.deltaAfter(2).entries).toEqual([]);
  });

  it("takes a rumour once, and knows which is older", () => {
    const bob = other();
    expect(bob.learn({ key: "x", version: 3, value: "new" }, 0)).toBe("new");
    expect(bob.learn({ key: "x", version: 3, value: "new" }, 0)).toBe("known");
    expect(bob.learn({ key: "x", version: 2, value: "old" }, 0)).toBe("known");
    expect(standing(bob)).toEqual({ x: "new" });
    expect(bob.through).toBe(0); // Of 1 and 2 it knows nothing.
  });

  it("counts as known in full what rumours told without a gap, in any order", () => {
    const bob = other();
    bob.learn({ key: "b", version: 2, value: "" }, 0);
    bob.learn({ key: "c", version: 3, value: "" }, 0);
    expect(bob.through).toBe(0);
    bob.learn({ key: "a", version: 1, value: "" }, 0);
    expect(bob.through).toBe(3);
  });

  it("does not believe an interval that begins beyond what it knows, but its entries", () => {
    const ada = written(["x", "1"], ["y", "1"], ["z", "1"]);
    const bob = other();
    bob.apply(ada.deltaAfter(2), 0);
    expect(standing(bob)).toEqual({ z: "1" });
    expect(bob.through).toBe(0);
    bob.apply(ada.deltaAfter(bob.through), 0);
    expect(standing(bob)).toEqual({ x: "1", y: "1", z: "1" });
  });

  it("drops what the interval says is dead, whoever told it", () => {
    const bob = other();
    bob.learn({ key: "x", version: 2, value: "zombie" }, 0);
    const ada = written(["a", "1"], ["x", "zombie"], ["x"], ["b", "1"]);
    ada.collect(1_000, 10); // The tombstone of x is gone.
    expect(ada.deltaAfter(0).entries.map(({ key }) => key)).toEqual(["a", "b"]);
    expect(bob.apply(ada.deltaAfter(0), 0).changed).toContain("x");
    expect(standing(bob)).toEqual({ a: "1", b: "1" });
  });

  it("never brings back what it knows to be dead", () => {
    const bob = other();
    const stale = written(["x", "1"]).deltaAfter(0);
    bob.apply(written(["x", "1"], ["x"]).deltaAfter(0), 0);
    bob.collect(1_000, 10);
    bob.apply(stale, 0);
    expect(bob.learn({ key: "x", version: 1, value: "1" }, 0)).toBe("known");
    expect(standing(bob)).toEqual({});
  });

  it("tells the whole to who knows less than a tombstone that was thrown away", () => {
    const ada = written(["x", "1"], ["y", "1"]);
    const bob = other();
    bob.apply(ada.deltaAfter(0), 0);
    ada.write("x", undefined, 0);
    ada.write("z", "1", 0);
    ada.collect(1_000, 10);
    const delta = ada.deltaAfter(bob.through);
    expect(delta).toMatchObject({ after: 0, through: 4, floor: 3 });
    bob.apply(delta, 0);
    expect(standing(bob)).toEqual({ y: "1", z: "1" });
  });

  it("hands on that it has no tombstones, if it got none", () => {
    const ada = written(["x", "1"], ["x"], ["y", "1"]);
    ada.collect(1_000, 10);
    const bob = other();
    bob.apply(ada.deltaAfter(0), 0);
    const carl = other();
    carl.apply(written(["x", "1"]).deltaAfter(0), 0);
    carl.apply(bob.deltaAfter(carl.through), 0);
    expect(standing(carl)).toEqual({ y: "1" });
  });

  it("keeps a tombstone while there is a gap below it", () => {
    const bob = other();
    bob.learn({ key: "x", version: 5, value: undefined }, 0);
    bob.collect(1_000, 10);
    expect(bob.learn({ key: "x", version: 4, value: "old" }, 0)).toBe("known");
  });

  it("makes room by throwing tombstones away, and refuses what does not fit even so", () => {
    const ada = new Ledger("ada", 1, { maxKeys: 2, maxOwnerBytes: 100 });
    ada.write("a", "1", 0);
    ada.write("b", "1", 0);
    expect(ada.write("c", "1", 0)).toBeUndefined();
    ada.write("a", undefined, 0);
    expect(ada.write("c", "1", 0)).toMatchObject({ version: 4 });
    expect(ada.write("c", "x".repeat(100), 0)).toBeUndefined();
    expect(standing(ada)).toEqual({ b: "1", c: "1" });
  });

  it("does not count as known what did not fit", () => {
    const bob = other({ maxKeys: 1, maxOwnerBytes: 1_024 });
    const answer = bob.apply(written(["x", "1"], ["y", "1"]).deltaAfter(0), 0);
    expect(answer.full).toBe(true);
    expect(bob.through).toBe(0);
  });

  it("weighs entries as they travel", () => {
    const entry = { key: "k", version: 12, value: 'a"\n' };
    expect(bytesOf(entry)).toBeGreaterThanOrEqual(JSON.stringify(["k", 12, 'a"\n']).length);
  });

  it("says an interval the same way to everybody", () => {
    const delta: OwnerDelta = written(["b", "1"], ["a", "1"]).deltaAfter(0);
    expect(delta.entries.map(({ version }) => version)).toEqual([1, 2]);
  });
});
