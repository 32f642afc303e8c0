import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { boundedLoad, type BoundedLoad, type Slot } from "./bounded-load.ts";
import { HashRing } from "./hash-ring.ts";
import { Maglev } from "./maglev.ts";
import type { Placement } from "./placement.ts";
import { PLACEMENTS } from "./placements.fixture.ts";
import { Rendezvous } from "./rendezvous.ts";

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`);
const loadsOf = (slots: BoundedLoad): Record<string, number> =>
  Object.fromEntries(slots.loads().map(({ node, load }) => [node, load]));

function acquire(slots: BoundedLoad, key: string): Slot {
  const slot = slots.acquire(key);
  if (slot === undefined) throw new Error("no node");
  return slot;
}

/** ⌈c · m · w/W⌉ in whole numbers, c being `percent`/100: the arithmetic that cannot round. */
function exactCap(percent: number, requests: number, weight: number, weights: number): number {
  return Number(
    (BigInt(percent) * BigInt(requests) * BigInt(weight) + BigInt(100 * weights - 1)) /
      BigInt(100 * weights),
  );
}

describe("acquire", () => {
  it("takes the owner while it has room, then the next owners in their order", () => {
    const placement = Rendezvous.of(ids(4));
    const slots = boundedLoad(placement, { factor: 1.5 });
    const owners = placement.owners("hot", 4);
    const held = Array.from({ length: 8 }, () => acquire(slots, "hot"));
    // Caps for the m-th request are ⌈1.5·m/4⌉: 1 1 2 2 2 3 3 3.
    const expected = [0, 1, 0, 1, 2, 0, 1, 2].map((place) => owners[place]);
    expect(held.map(({ node }) => node)).toEqual(expected);
    expect(held.map(({ isOwner }) => isOwner)).toEqual(expected.map((node) => node === owners[0]));
  });

  it("never gives a slot above the cap in 10⁶ random acquires and releases", () => {
    const weights = new Map(ids(7).map((id, index) => [id, 1 + (index % 3)]));
    const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    const nodes = [...weights].map(([id, weight]) => ({ id, weight }));
    for (const [seed, percent] of [
      [1, 105],
      [2, 125],
      [3, 200],
    ] as const) {
      const random = seededRandom(seed);
      const slots = boundedLoad(Maglev.of(nodes, { tableSize: 1_021 }), { factor: percent / 100 });
      const held: Slot[] = [];
      const loads = new Map<string, number>();
      for (let step = 0; step < 333_334; step++) {
        if (held.length > 0 && random.next() < 0.1 + held.length / 500) {
          const index = Math.floor(random.next() * held.length);
          const [slot] = held.splice(index, 1) as [Slot];
          slot.release();
          loads.set(slot.node, (loads.get(slot.node) ?? 0) - 1);
          continue;
        }
        // One key in two is the same: the worst that a cap has to stand.
        const slot = acquire(slots, random.next() < 0.5 ? "hot" : `key:${step % 97}`);
        held.push(slot);
        const load = (loads.get(slot.node) ?? 0) + 1;
        loads.set(slot.node, load);
        const cap = exactCap(percent, held.length, weights.get(slot.node) ?? 0, total);
        if (load > cap) throw new Error(`seed ${seed}, step ${step}: ${load} above ${cap}`);
      }
      expect(loadsOf(slots)).toEqual(Object.fromEntries(loads));
    }
  });

  it.each(Object.entries(PLACEMENTS))("always finds room on %s, for one key alone", (_, place) => {
    const placement = place(ids(40));
    const slots = boundedLoad(placement, { factor: 1.01 });
    for (let request = 1; request <= 400; request++) {
      acquire(slots, "hot");
      const highest = Math.max(...slots.loads().map(({ load }) => load));
      expect(highest).toBeLessThanOrEqual(exactCap(101, request, 1, 40));
    }
  });

  it("keeps most keys where they belong, and each load below factor times the mean", () => {
    const slots = boundedLoad(HashRing.of(ids(20)), { factor: 1.25 });
    const held = Array.from({ length: 10_000 }, (_, i) => acquire(slots, `key:${i}`));
    expect(Math.max(...slots.loads().map(({ load }) => load))).toBeLessThanOrEqual(625);
    expect(held.filter(({ isOwner }) => isOwner).length).toBeGreaterThan(9_000);
  });

  it("asks only for the owner while that has room", () => {
    let walks = 0;
    const nodes = Rendezvous.of(ids(100));
    const counted: Placement = {
      nodes: nodes.nodes,
      fingerprint: nodes.fingerprint,
      owner: (key) => nodes.owner(key),
      owners: (key, count) => {
        walks += 1;
        return nodes.owners(key, count);
      },
      share: (id) => nodes.share(id),
      with: (node) => nodes.with(node),
      without: (id) => nodes.without(id),
    };
    const slots = boundedLoad(counted, { factor: 2 });
    for (let round = 0; round < 100; round++) acquire(slots, `key:${round}`).release();
    expect(walks).toBe(0);
  });

  it("knows that 1.1 · 50 is 55, though the machine's product is a little more", () => {
    expect(1.1 * 50).toBeGreaterThan(55);
    const slots = boundedLoad(Rendezvous.of(["a"]), { factor: 1.1 });
    for (let request = 0; request < 49; request++) acquire(slots, "key");
    expect(slots.loads()).toEqual([{ node: "a", load: 49, cap: 55 }]);
  });

  it("walks all owners in their order before it comes back to the first", () => {
    const placement = Rendezvous.of(ids(70));
    const slots = boundedLoad(placement, { factor: 1.01 });
    // Up to the 69th request all caps are ⌈1.01·m/70⌉ = 1.
    const held = Array.from({ length: 69 }, () => acquire(slots, "hot").node);
    expect(held).toEqual(placement.owners("hot", 69));
    const four = Rendezvous.of(ids(4));
    const few = boundedLoad(four, { factor: 1.01 });
    const first = Array.from({ length: 3 }, () => acquire(few, "hot").node);
    expect(first).toEqual(four.owners("hot", 3));
  });

  it("gives nothing where no node has weight", () => {
    const slots = boundedLoad(Rendezvous.of([{ id: "a", weight: 0 }]));
    expect(slots.acquire("key")).toBeUndefined();
    expect(slots.loads()).toEqual([{ node: "a", load: 0, cap: 0 }]);
  });

  it("falls back to the least loaded by weight if the owners listed are all full", () => {
    const nodes = Rendezvous.of(["a", "b", { id: "c", weight: 2 }]);
    // A placement of somebody's own that only ever names one owner.
    const stubborn: Placement = {
      ...{ nodes: nodes.nodes, fingerprint: "", share: () => 0 },
      owner: () => "b",
      owners: () => ["b"],
      with: () => stubborn,
      without: () => stubborn,
    };
    const slots = boundedLoad(stubborn, { factor: 1.01 });
    const held = Array.from({ length: 5 }, () => acquire(slots, "key").node);
    expect(held).toEqual(["b", "a", "c", "b", "c"]);
  });

  it("refuses a factor that bounds nothing, and what is no placement", () => {
    for (const factor of [1, 0.9, 0, -1, Number.NaN, 1_001, "2" as unknown as number]) {
      expect(() => boundedLoad(Rendezvous.of(["a"]), { factor })).toThrow(
        /INVALID_ARGUMENT: factor must be a number above 1/,
      );
    }
    expect(() => boundedLoad(["a"] as unknown as Placement)).toThrow(/placement must be/);
    expect(() => boundedLoad(Rendezvous.of(["a"])).use(undefined as unknown as Placement)).toThrow(
      /placement must be/,
    );
  });
});

describe("release", () => {
  it("gives a place back once, however often it is called", () => {
    const slots = boundedLoad(Rendezvous.of(["a"]));
    const [first] = [acquire(slots, "key"), acquire(slots, "key")];
    first.release();
    first.release();
    first[Symbol.dispose]();
    expect(loadsOf(slots)).toEqual({ a: 1 });
  });

  it("happens by itself at the end of a block", () => {
    const slots = boundedLoad(Rendezvous.of(["a"]));
    {
      using slot = slots.acquire("key");
      expect(slot?.node).toBe("a");
      expect(loadsOf(slots)).toEqual({ a: 1 });
    }
    expect(loadsOf(slots)).toEqual({ a: 0 });
  });
});

describe("use", () => {
  it("keeps the loads of nodes that stay", () => {
    const slots = boundedLoad(Rendezvous.of(["a", "b"]), { factor: 1.2 });
    for (let request = 0; request < 6; request++) acquire(slots, `key:${request}`);
    const before = loadsOf(slots);
    slots.use(slots.placement.with("c"));
    expect(loadsOf(slots)).toEqual({ ...before, c: 0 });
    expect(slots.placement.nodes).toHaveLength(3);
  });

  it("remembers what a node that left still holds, and forgets it with the last slot", () => {
    const slots = boundedLoad(Rendezvous.of(["a", "b"]), { factor: 1.01 });
    const held = Array.from({ length: 4 }, () => acquire(slots, "key"));
    slots.use(Rendezvous.of(["b"]));
    // ⌈1.01 · 4/2⌉ = 3 on "a", gone, and 1 on "b"; those that are gone raise no cap: ⌈1.01 · 2⌉.
    expect(slots.loads()).toEqual([
      { node: "b", load: 1, cap: 3 },
      { node: "a", load: 3, cap: 0 },
    ]);
    for (const slot of held) slot.release();
    expect(slots.loads()).toEqual([{ node: "b", load: 0, cap: 2 }]);
  });

  it("finds the old load again when a node comes back", () => {
    const both = Rendezvous.of(["a", "b"]);
    const slots = boundedLoad(both, { factor: 1.01 });
    const held = Array.from({ length: 4 }, () => acquire(slots, "key"));
    slots.use(both.without("a"));
    slots.use(both);
    expect(loadsOf(slots)).toEqual({ a: 3, b: 1 });
    for (const slot of held) slot.release();
    expect(loadsOf(slots)).toEqual({ a: 0, b: 0 });
  });

  it("gives a drained node nothing more, and keeps it in sight", () => {
    const both = Rendezvous.of(["a", "b"]);
    const slots = boundedLoad(both, { factor: 1.01 });
    const held = [acquire(slots, "key"), acquire(slots, "key")];
    slots.use(both.with({ id: "a", weight: 0 }));
    for (let request = 0; request < 5; request++) expect(acquire(slots, "key").node).toBe("b");
    for (const slot of held) slot.release();
    expect(loadsOf(slots)).toEqual({ a: 0, b: 5 });
  });

  it("counts rightly through random changes of nodes, weights and slots", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const slots = boundedLoad(Rendezvous.of(["n0"]), { factor: 1.25 });
      const held: Slot[] = [];
      for (let step = 0; step < 500; step++) {
        const draw = random.next();
        const node = { id: `n${Math.floor(random.next() * 5)}`, weight: Math.floor(draw * 40) };
        if (draw < 0.05) slots.use(slots.placement.without(node.id));
        else if (draw < 0.1) slots.use(slots.placement.with(node));
        else if (draw < 0.5) held.splice(Math.floor(random.next() * held.length), 1)[0]?.release();
        else held.push(...[slots.acquire(`key:${step}`)].filter((slot) => slot !== undefined));
        const counts: Record<string, number> = {};
        for (const slot of held) counts[slot.node] = (counts[slot.node] ?? 0) + 1;
        const loads = slots.loads().filter(({ load }) => load > 0);
        const found = Object.fromEntries(loads.map((load) => [load.node, load.load]));
        expect(found, `seed ${seed}, step ${step}`).toEqual(counts);
      }
      // Nothing is kept of nodes that are gone and idle.
      for (const slot of held) slot.release();
      expect(slots.loads()).toHaveLength(slots.placement.nodes.length);
    }
  });
});
