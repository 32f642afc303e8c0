import { seededRandom } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { DueHeap, type Waking } from "./due-heap.ts";

describe("due heap", () => {
  it.each([1, 2, 3, 4, 5])("is sorted after any order of updates and removals, seed %i", (seed) => {
    const random = seededRandom(seed);
    const heap = new DueHeap<Waking>();
    const items = Array.from({ length: 60 }, () => ({ wakeMs: 0, heapIndex: -1 }));
    for (let step = 0; step < 2_000; step++) {
      const item = items[Math.floor(random.next() * items.length)] as Waking;
      if (random.next() < 0.3) heap.remove(item);
      else heap.update(item, Math.floor(random.next() * 100));
    }
    const inside = items.filter(({ heapIndex }) => heapIndex !== -1);
    expect(heap.size).toBe(inside.length);
    const drained: number[] = [];
    for (let next = heap.peek(); next !== undefined; next = heap.peek()) {
      drained.push(next.wakeMs);
      heap.remove(next);
    }
    expect(drained).toEqual(inside.map(({ wakeMs }) => wakeMs).toSorted((a, b) => a - b));
  });

  it("does nothing for what is not in it", () => {
    const heap = new DueHeap<Waking>();
    heap.remove({ wakeMs: 1, heapIndex: -1 });
    expect(heap.size).toBe(0);
  });
});
