import { fork } from "node:child_process";

import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { HashRing, type HashRingOptions } from "./hash-ring.ts";
import { murmur3 } from "./hash/murmur3.ts";
import { LAST_HASH } from "./points/point-table.ts";
import { keyAt, toyHash } from "./toy-hash.fixture.ts";

const keys = Array.from({ length: 2_000 }, (_, index) => `user:${index}`);

function owners(ring: HashRing): (string | undefined)[] {
  return keys.map((key) => ring.owner(key));
}

describe("hash ring", () => {
  it("pins its placement: these owners are the format, in every version and process", () => {
    const ring = HashRing.of(["a", "b", { id: "c", weight: 2 }]);
    const some = ["", "user:42", "ключ", "鍵", "🔑", "x".repeat(1_000)];
    expect(some.map((key) => ring.owner(key))).toMatchInlineSnapshot(`
      [
        "c",
        "b",
        "c",
        "a",
        "c",
        "c",
      ]
    `);
    expect(some.map((key) => ring.hash(key))).toMatchInlineSnapshot(`
      [
        0,
        3349586805,
        2589532226,
        3436117836,
        856740613,
        1897939982,
      ]
    `);
    expect(ring.fingerprint).toMatchInlineSnapshot(`"f2b30898eba1a49b153ae3afc2c2425d"`);
  });

  it("gives another process the same owners, from another order and history", async () => {
    const child = fork(new URL("./other-process.fixture.ts", import.meta.url), [], {
      execArgv: ["-C", "@quorate/source", "--import", "tsx"],
    });
    const answer = await new Promise<unknown>((resolve, reject) => {
      child.once("message", resolve);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`exited with ${code} and no answer`)));
    });
    const ring = HashRing.of(["a", "é", "😀", { id: "b", weight: 0.5, zone: "eu" }]);
    expect(answer).toEqual({ fingerprint: ring.fingerprint, owners: owners(ring) });
  });

  it("has no owner when it is empty or drained, and says so in every answer", () => {
    for (const ring of [HashRing.of([]), HashRing.of([{ id: "a", weight: 0 }])]) {
      expect(ring.owner("key")).toBeUndefined();
      expect(ring.owners("key", 3)).toEqual([]);
      expect(ring.owners("key", 3, { distinct: "zone" })).toEqual([]);
      expect(ring.share("a")).toBe(0);
      expect(ring.ranges("a")).toEqual([]);
      expect(ring.moved(ring)).toEqual([]);
      expect(ring.with("b").owner("key")).toBe("b");
    }
  });

  it("gives a single node all keys", () => {
    const ring = HashRing.of(["only"]);
    expect(new Set(owners(ring))).toEqual(new Set(["only"]));
    expect(ring.owners("key", 5)).toEqual(["only"]);
    expect(ring.share("only")).toBe(1);
    expect(ring.ranges("only")).toEqual([{ first: 0, last: LAST_HASH }]);
  });

  it("gives a key on a point to that point's node, and 0 and 2³²−1 to their next", () => {
    const ring = HashRing.of(["a", "b"], { points: 3, hash: toyHash(8) });
    const ends = ["a", "b"].flatMap((id) => ring.ranges(id).map(({ last }) => ({ id, last })));
    for (const { id, last } of ends) {
      expect(ring.owner(keyAt(last))).toBe(id);
      const next = last === LAST_HASH ? 0 : last + 1;
      const after = ["a", "b"].find((other) =>
        ring.ranges(other).some((range) => range.first <= next && next <= range.last),
      );
      expect(ring.owner(keyAt(next))).toBe(after);
    }
    // Nothing lies between the last point and the first: one arc, over 0, of one node.
    expect(ring.owner(keyAt(LAST_HASH))).toBe(ring.owner(keyAt(0)));
  });

  it("keeps both points of a collision: who leaves takes nothing of the other along", () => {
    // 8 bits and 3 × 100 points: nearly every place of the circle is taken by all three.
    const options = { points: 100, hash: toyHash(8) };
    const ring = HashRing.of(["a", "b", "c"], options);
    for (const id of ["a", "b", "c"]) {
      const rest = ["a", "b", "c"].filter((other) => other !== id);
      expect(owners(ring.without(id))).toEqual(owners(HashRing.of(rest, options)));
      expect(ring.without(id).with(id).fingerprint).toBe(ring.fingerprint);
      expect(owners(ring.without(id).with(id))).toEqual(owners(ring));
    }
  });

  it("tells ids apart that look alike when put together with a number", () => {
    for (const [left, right] of [
      ["a#1", "a"],
      ["node1", "node11"],
      ["a-0", "a"],
      ["__proto__", "constructor"],
    ] as const) {
      const ring = HashRing.of([left, right]);
      expect(Math.abs(ring.share(left) - 0.5)).toBeLessThan(0.12);
      expect(new Set(owners(ring))).toEqual(new Set([left, right]));
    }
  });

  it("lists a drained node and gives it nothing", () => {
    const ring = HashRing.of(["a", { id: "b", weight: 0 }]);
    expect(ring.nodes.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(ring.owners("key", 2)).toEqual(["a"]);
    expect(ring.share("b")).toBe(0);
    expect(owners(ring.with("b"))).toEqual(owners(HashRing.of(["a", "b"])));
  });

  it("gives the least of weights at least one point", () => {
    const ring = HashRing.of(["a", { id: "b", weight: 0.000_001 }]);
    expect(ring.share("b")).toBeGreaterThan(0);
    expect(ring.share("b")).toBeLessThan(0.1);
  });

  it("is itself where nothing changes", () => {
    const ring = HashRing.of(["a", { id: "b", weight: 2, zone: "eu" }]);
    expect(ring.with("a")).toBe(ring);
    expect(ring.with({ id: "b", weight: 2, zone: "eu" })).toBe(ring);
    expect(ring.without("nobody")).toBe(ring);
    expect(ring.with({ id: "a", zone: "us" }).fingerprint).not.toBe(ring.fingerprint);
  });

  it("changes its fingerprint with anything that changes an answer", () => {
    const fingerprints = [
      HashRing.of(["a", "b"]),
      HashRing.of(["ab"]),
      HashRing.of(["a"]),
      HashRing.of(["a", "b"], { points: 161 }),
      HashRing.of(["a", "b"], { seed: 1 }),
      HashRing.of(["a", "b"], { hash: toyHash(16) }),
      HashRing.of(["a", { id: "b", weight: 2 }]),
      HashRing.of(["a", { id: "b", zone: "1" }]),
      HashRing.ketama(["a", "b"]),
      HashRing.ketama(["a", "b"], { dialect: "hashring" }),
    ].map(({ fingerprint }) => fingerprint);
    expect(new Set(fingerprints).size).toBe(fingerprints.length);
    expect(HashRing.of(["b", "a", "b"]).fingerprint).toBe(fingerprints[0]);
  });

  it.each<[string, unknown]>([
    ["points", { points: 0 }],
    ["points", { points: 1.5 }],
    ["points", { points: 65_537 }],
    ["seed", { seed: -1 }],
    ["seed", { seed: 2 ** 32 }],
    ["seed", { seed: 0.5 }],
    ["hash.name", { hash: { ...toyHash(8), name: "" } }],
    ["hash.name", { hash: { ...toyHash(8), name: "murmur3" } }],
    ["hash.mix", { hash: { ...toyHash(8), mix: 7 } }],
    ["options.point", { point: 160 }],
  ])("names the bad option %s", (option, options) => {
    expect(() => HashRing.of(["a"], options as HashRingOptions)).toThrow(`${option} must be`);
  });

  it("hashes keys with murmur3 under its seed, as any language can", () => {
    expect(HashRing.of(["a"]).hash("ключ")).toBe(murmur3("ключ", 0));
    expect(HashRing.of(["a"], { seed: 7 }).hash("ключ")).toBe(murmur3("ключ", 7));
  });

  it("refuses more points than it can hold, before it makes them", () => {
    const heavy = { id: "a", weight: 1_000_000 };
    expect(() => HashRing.of([heavy])).toThrow(/at most 16777216 points/);
    expect(() => HashRing.of(["b"]).with(heavy)).toThrow(/at most 16777216 points/);
  });

  it.each([undefined, null, 7, {}])("refuses %j for a key, an id and a count", (bad) => {
    const ring = HashRing.of(["a"]);
    const calls = [
      () => ring.owner(bad as never),
      () => ring.owners(bad as never, 1),
      () => ring.owners("key", (bad === 7 ? -1 : bad) as never),
      () => ring.share(bad as never),
      () => ring.without(bad as never),
      () => ring.moved(bad as never),
    ];
    for (const call of calls) {
      let caught: unknown;
      try {
        call();
      } catch (error) {
        caught = error;
      }
      expect(isQuorateError(caught, "INVALID_ARGUMENT")).toBe(true);
    }
  });
});

describe("preference lists", () => {
  it("give the owner first, all different, and at most all that have weight", () => {
    const ring = HashRing.of(["a", "b", "c", { id: "d", weight: 0 }]);
    for (const key of keys) {
      const list = ring.owners(key, 10);
      expect(list[0]).toBe(ring.owner(key));
      expect(list.toSorted()).toEqual(["a", "b", "c"]);
      expect(ring.owners(key, 2)).toEqual(list.slice(0, 2));
    }
    expect(ring.owners("key", 0)).toEqual([]);
  });

  it("are the same list, however much of it is asked for", () => {
    const ring = HashRing.of(Array.from({ length: 40 }, (_, index) => `n${index}`));
    for (const key of keys.slice(0, 100)) {
      const all = ring.owners(key, 40);
      expect(new Set(all).size).toBe(40);
      for (const count of [1, 2, 15, 16, 17, 39]) {
        expect(ring.owners(key, count)).toEqual(all.slice(0, count));
      }
    }
  });

  it("use each zone once before any twice, and a zone again when there are too few", () => {
    const ring = HashRing.of(
      ["eu", "eu", "eu", "us", "us"].map((zone, index) => ({ id: `${zone}-${index}`, zone })),
    );
    const zoneOf = (id: string): string => id.slice(0, 2);
    for (const key of keys) {
      const list = ring.owners(key, 4, { distinct: "zone" });
      const plain = ring.owners(key, 5);
      expect(list[0]).toBe(ring.owner(key));
      expect(new Set(list.slice(0, 2).map(zoneOf)).size).toBe(2);
      // The rest as the walk meets them: what was passed over first.
      const [first, second] = list;
      expect(list.slice(2)).toEqual(
        plain.filter((id) => id !== first && id !== second).slice(0, 2),
      );
      expect(ring.owners(key, 9, { distinct: "zone" }).toSorted()).toEqual(plain.toSorted());
    }
  });

  it("count a node without a zone as a zone of its own", () => {
    const ring = HashRing.of(["a", "b", { id: "c", zone: "z" }, { id: "d", zone: "z" }]);
    for (const key of keys.slice(0, 200)) {
      const list = ring.owners(key, 3, { distinct: "zone" });
      expect(list.filter((id) => id === "c" || id === "d")).toHaveLength(1);
    }
  });

  it("take no notice of the zones of drained nodes", () => {
    const ring = HashRing.of([
      { id: "a", zone: "1" },
      { id: "b", zone: "1" },
      { id: "c", zone: "2", weight: 0 },
    ]);
    expect(ring.owners("key", 2, { distinct: "zone" }).toSorted()).toEqual(["a", "b"]);
  });

  it("refuse to be distinct in anything else", () => {
    const ring = HashRing.of(["a"]);
    expect(() => ring.owners("key", 1, { distinct: "rack" as never })).toThrow(/distinct must be/);
  });
});
