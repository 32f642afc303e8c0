/**
 * The laws of `Placement`, for each that there is.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { seededRandom } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlacementNode } from "./placement.ts";
import { FREE_PLACEMENTS, HOSTILE_IDS, HOSTILE_KEYS, PLACEMENTS } from "./placements.fixture.ts";

const KEYS = Array.from({ length: 200 }, (_, index) => `user:${index}`);
const id = fc.oneof(fc.string({ minLength: 1, unit: "grapheme" }), fc.constantFrom(...HOSTILE_IDS));
const zone = fc.constantFrom(undefined, "eu", "us", "ap");
const unweighted = fc.uniqueArray(fc.record({ id, zone }), {
  minLength: 1,
  maxLength: 12,
  selector: (node) => node.id,
});
const weighted = fc.uniqueArray(fc.record({ id, zone, weight: fc.constantFrom(0, 0.5, 1, 1, 3) }), {
  maxLength: 10,
  selector: (node) => node.id,
});

/** Where zones repeat before all have been used, `undefined`; else the zones used. */
function repeatsEarly(nodes: readonly PlacementNode[], owners: readonly string[]): boolean {
  const zoneOf = new Map(nodes.map((node) => [node.id, node.zone ?? `alone:${node.id}`]));
  const zones = new Set(zoneOf.values());
  const used = owners.slice(0, zones.size).map((owner) => zoneOf.get(owner));
  return new Set(used).size !== used.length;
}

describe.each(Object.entries(PLACEMENTS))("%s", (_, place) => {
  it("lists owners once each, beginning with the owner, as many as there are", () => {
    fc.assert(
      fc.property(unweighted, fc.string(), fc.nat(15), (nodes, key, count) => {
        const placement = place(nodes);
        const owners = placement.owners(key, count);
        expect(owners).toHaveLength(Math.min(count, nodes.length));
        expect(new Set(owners).size).toBe(owners.length);
        if (count > 0) expect(owners[0]).toBe(placement.owner(key));
        expect(placement.owners(key, 99).slice(0, count)).toEqual(owners);
      }),
    );
  });

  it("uses no zone twice before each has been used", () => {
    fc.assert(
      fc.property(unweighted, fc.string(), fc.nat(15), (nodes, key, count) => {
        const placement = place(nodes);
        const owners = placement.owners(key, count, { distinct: "zone" });
        expect(owners).toHaveLength(Math.min(count, nodes.length));
        expect(new Set(owners).size).toBe(owners.length);
        if (count > 0) expect(owners[0]).toBe(placement.owner(key));
        expect(repeatsEarly(nodes, owners)).toBe(false);
      }),
    );
  });

  it("comes back to itself when a node is added and removed again", () => {
    fc.assert(
      fc.property(unweighted, (nodes) => {
        const placement = place(nodes);
        const again = placement.with("a newcomer").without("a newcomer");
        expect(again.fingerprint).toBe(placement.fingerprint);
        expect(KEYS.map((key) => again.owner(key))).toEqual(KEYS.map((k) => placement.owner(k)));
        expect(placement.with("a newcomer").fingerprint).not.toBe(placement.fingerprint);
      }),
      { numRuns: 30 },
    );
  });

  it("places hostile keys on hostile nodes, and tells all nodes apart", () => {
    const placement = place(HOSTILE_IDS);
    expect(placement.nodes).toHaveLength(HOSTILE_IDS.length);
    for (const key of HOSTILE_KEYS) {
      expect(HOSTILE_IDS).toContain(placement.owner(key));
      expect(new Set(placement.owners(key, 99))).toEqual(new Set(HOSTILE_IDS));
    }
    const total = HOSTILE_IDS.reduce((sum, node) => sum + placement.share(node), 0);
    expect(total).toBeCloseTo(1, 9);
    expect(placement.share("hasOwnProperty")).toBe(0);
  });

  it("reads an unpaired surrogate in a key as U+FFFD", () => {
    const placement = place(KEYS.slice(0, 50));
    expect(placement.owners("a\ud83d", 9)).toEqual(placement.owners("a\ufffd", 9));
    expect(placement.owner("\udc00\ud800")).toBe(placement.owner("\ufffd\ufffd"));
  });

  it("refuses ids that are empty or no text, and changes nothing", () => {
    const placement = place(["a"]);
    for (const bad of ["", "\ud800", "x".repeat(16_385), 7, undefined, null]) {
      expect(() => placement.with(bad as string)).toThrow(/INVALID_ARGUMENT/);
      expect(() => place(["b", bad as string])).toThrow(/INVALID_ARGUMENT/);
    }
    expect(() => place([{ id: "b", wieght: 2 } as PlacementNode])).toThrow(/wieght/);
    expect(placement.nodes).toHaveLength(1);
  });

  it("refuses what is no key, no count and no option", () => {
    const placement = place(["a", "b"]);
    expect(() => placement.owner(undefined as unknown as string)).toThrow(/key must be a string/);
    expect(() => placement.owners(7 as unknown as string, 1)).toThrow(/key must be a string/);
    expect(() => placement.owners("k", -1)).toThrow(/count must be an integer >= 0/);
    expect(() => placement.owners("k", Number.NaN)).toThrow(/count must be an integer >= 0/);
    expect(() => placement.owners("k", 1, { distinct: "rack" as "zone" })).toThrow(/distinct/);
    expect(() => placement.share(7 as unknown as string)).toThrow(/id must be a string/);
    expect(() => placement.without(7 as unknown as string)).toThrow(/id must be a string/);
  });

  it("names nobody where there is nobody", () => {
    const placement = place([]);
    expect(placement.owner("key")).toBeUndefined();
    expect(() => placement.owner(7 as unknown as string)).toThrow(/key must be a string/);
    expect(placement.owners("key", 3)).toEqual([]);
    expect(placement.owners("key", 3, { distinct: "zone" })).toEqual([]);
    expect(placement.share("a")).toBe(0);
    expect(placement.with("a").owner("key")).toBe("a");
  });
});

describe.each(Object.entries(FREE_PLACEMENTS))("%s, whatever the order of nodes", (name, place) => {
  it("places keys alike, with the same fingerprint", () => {
    fc.assert(
      fc.property(weighted, fc.infiniteStream(fc.nat()), (nodes, numbers) => {
        const shuffled = nodes.toSorted(() => (numbers.next().value % 2 === 0 ? -1 : 1));
        const [one, other] = [place(nodes), place(shuffled)];
        expect(other.fingerprint).toBe(one.fingerprint);
        for (const key of KEYS.slice(0, 20)) {
          expect(other.owners(key, 5)).toEqual(one.owners(key, 5));
        }
      }),
    );
  });

  it("is what its history is not: adds, removals and weights lead to the fresh build", () => {
    fc.assert(
      fc.property(weighted, weighted, (nodes, others) => {
        let placement = place(others);
        for (const node of nodes) placement = placement.with(node);
        const named = new Set(nodes.map((node) => node.id));
        for (const other of others)
          if (!named.has(other.id)) placement = placement.without(other.id);
        const fresh = place(nodes);
        expect(placement.fingerprint).toBe(fresh.fingerprint);
        expect(KEYS.map((key) => placement.owner(key))).toEqual(KEYS.map((k) => fresh.owner(k)));
      }),
      { numRuns: 50 },
    );
  });

  it("gives a drained node nothing and keeps it in mind", () => {
    const placement = place(["a", "b", "c"]).with({ id: "b", weight: 0 });
    expect(placement.nodes.map((node) => node.id)).toEqual(["a", "b", "c"]);
    for (const key of KEYS) expect(placement.owners(key, 9).toSorted()).toEqual(["a", "c"]);
    expect(placement.share("b")).toBe(0);
  });

  it("agrees with another process that heard of the nodes in another order", () => {
    const child = fileURLToPath(new URL("./placement-laws-process.fixture.ts", import.meta.url));
    const nodes = HOSTILE_IDS.map((node, index) => ({ id: node, weight: 1 + (index % 3) }));
    const random = seededRandom(7);
    const shuffled = nodes.toSorted(() => random.next() - 0.5);
    const flags = ["-C", "@quorate/source", "--import", "tsx"];
    const input = JSON.stringify({ name, nodes: shuffled, keys: HOSTILE_KEYS });
    const output = execFileSync(process.execPath, [...flags, child], { input, encoding: "utf8" });
    const placement = place(nodes);
    expect(JSON.parse(output)).toEqual({
      fingerprint: placement.fingerprint,
      owners: HOSTILE_KEYS.map((key) => placement.owners(key, 4)),
    });
  });
});

describe.each(Object.entries(PLACEMENTS).filter(([name]) => name !== "Maglev"))(
  "%s, when a node goes",
  (name, place) => {
    it("strikes it from every list of owners and changes nothing else", () => {
      fc.assert(
        fc.property(unweighted, fc.string(), fc.nat(), (nodes, key, pick) => {
          const last = nodes.length - 1;
          const { id: gone } = nodes[name === "JumpHash" ? last : pick % nodes.length] as {
            id: string;
          };
          const before = place(nodes);
          const after = before.without(gone);
          for (const count of [1, 2, 3, 99]) {
            const expected = before.owners(key, count + 1).filter((node) => node !== gone);
            expect(after.owners(key, count)).toEqual(expected.slice(0, count));
          }
        }),
      );
    });
  },
);
