/** Vector clocks in use, and Riak's published examples. */
import { describe, expect, it } from "vitest";

import { VectorClock } from "./vector-clock.ts";

describe("a vector clock", () => {
  it("orders a receipt after its send, and nodes that never spoke not at all", () => {
    const sent = VectorClock.of().tick("a");
    const received = VectorClock.of().tick("b").merge(sent).tick("b");
    const alone = VectorClock.of().tick("c");
    expect(sent.compare(received)).toBe("before");
    expect(received.compare(sent)).toBe("after");
    expect(received.compare(alone)).toBe("concurrent");
  });

  it("lists its entries in ascending order, and is gone through by for … of", () => {
    const clock = VectorClock.of([
      ["b", 2],
      ["a", 1],
    ]);
    expect([...clock]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    expect([...clock.entries()]).toEqual([...clock]);
    expect(clock.toJSON()).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    expect(VectorClock.of(new Map(clock)).compare(clock)).toBe("equal");
  });
});

/** Riak's `descends`, said in our words. */
function descends(left: VectorClock, right: VectorClock): boolean {
  return ["after", "equal"].includes(left.compare(right));
}

// basho/riak_core, src/vclock.erl at 0b6c6b0, EUnit tests of these names. Riak's entries carry
// a wall time as well, which takes no part in the order; ours have none.
describe("Riak's published vector clock examples", () => {
  it("example_test", () => {
    const [a, b] = [VectorClock.of(), VectorClock.of()];
    const a1 = a.tick("a");
    const b1 = b.tick("b");
    expect(descends(a1, a)).toBe(true);
    expect(descends(b1, b)).toBe(true);
    expect(descends(a1, b1)).toBe(false);
    const a2 = a1.tick("a");
    const c1 = a2.merge(b1).tick("c");
    expect(descends(c1, a2)).toBe(true);
    expect(descends(c1, b1)).toBe(true);
    expect(descends(b1, c1)).toBe(false);
    expect(descends(b1, a1)).toBe(false);
  });

  it("equals_or_dominates_test", () => {
    const a3 = VectorClock.of().tick("a").tick("b").tick("a");
    const [b4, b5] = [a3.tick("b"), a3.tick("b")];
    expect(b4.compare(a3)).toBe("after");
    expect(a3.compare(b4)).toBe("before");
    expect(b4.compare(b5)).toBe("equal");
  });

  it.each([
    ["merge_test", { 1: 1, 2: 2, 4: 4 }, { 3: 3, 4: 3 }, { 1: 1, 2: 2, 3: 3, 4: 4 }],
    ["merge_less_left_test", { 5: 5 }, { 6: 6, 7: 7 }, { 5: 5, 6: 6, 7: 7 }],
    ["merge_less_right_test", { 6: 6, 7: 7 }, { 5: 5 }, { 5: 5, 6: 6, 7: 7 }],
    ["merge_same_id_test", { 1: 1, 2: 1 }, { 1: 1, 3: 1 }, { 1: 1, 2: 1, 3: 1 }],
  ])("%s", (_, left, right, merged) => {
    const result = VectorClock.of(left).merge(VectorClock.of(right));
    expect(result.encode()).toBe(VectorClock.of(merged).encode());
  });

  it("accessor_test and get_entry_test", () => {
    const clock = VectorClock.of().tick("a").tick("b").tick("c").tick("a");
    expect(["a", "b", "c", "d"].map((id) => clock.get(id))).toEqual([2, 1, 1, 0]);
    expect([...clock].map(([id]) => id)).toEqual(["a", "b", "c"]);
  });
});
