import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Queued, type QueueOrder, type QueueRank, WaitQueue } from "./queue.ts";

class Item implements Queued {
  older: Queued | undefined = undefined;
  newer: Queued | undefined = undefined;
  rank: QueueRank | undefined = undefined;
  readonly name: number;
  readonly priority: number;

  constructor(name: number, priority = 0) {
    this.name = name;
    this.priority = priority;
  }
}

function served(order: QueueOrder, priorities: readonly number[], waitMs = 0): number[] {
  const queue = new WaitQueue<Item>(order);
  for (const [name, priority] of priorities.entries()) queue.add(new Item(name, priority), 0);
  return priorities.map(() => queue.take(waitMs)?.name ?? -1);
}

describe("WaitQueue", () => {
  it("serves equals by arrival, or the newest first", () => {
    expect(served("fifo", [0, 0, 0])).toEqual([0, 1, 2]);
    expect(served("lifo", [0, 0, 0])).toEqual([2, 1, 0]);
  });

  it("serves higher priorities first, whatever the order among equals", () => {
    expect(served("fifo", [0, 5, -1, 5])).toEqual([1, 3, 0, 2]);
    expect(served("lifo", [0, 5, -1, 5])).toEqual([3, 1, 0, 2]);
  });

  it("turns around when it has not been empty for 100 ms, and back when it has been", () => {
    expect(served("adaptive", [0, 0, 0], 100)).toEqual([0, 1, 2]);
    expect(served("adaptive", [0, 0, 0], 101)).toEqual([2, 1, 0]);

    const queue = new WaitQueue<Item>("adaptive");
    queue.add(new Item(1), 0);
    queue.add(new Item(2), 50);
    expect(queue.isStanding(150)).toBe(true);
    expect([queue.take(150)?.name, queue.take(150)?.name]).toEqual([2, 1]);
    queue.add(new Item(3), 151);
    queue.add(new Item(4), 152);
    expect(queue.isStanding(200)).toBe(false);
    expect(queue.take(200)?.name).toBe(3);
  });

  it("names the newest of the lowest priority as the first to give way", () => {
    const queue = new WaitQueue<Item>("fifo");
    expect(queue.last()).toBeUndefined();
    for (const [name, priority] of [1, 0, 0, 2].entries()) queue.add(new Item(name, priority), 0);
    expect(queue.last()?.name).toBe(2);
  });

  it("does nothing for who has left already", () => {
    const queue = new WaitQueue<Item>("fifo");
    const [one, other] = [new Item(1), new Item(2)];
    queue.add(one, 0);
    queue.add(other, 0);
    queue.remove(one);
    queue.remove(one);
    expect(queue.size).toBe(1);
    expect(queue.take(0)).toBe(other);
    expect(queue.take(0)).toBeUndefined();
    expect(queue.size).toBe(0);
  });

  it("agrees with a sorted list, whoever joins and leaves, and when", () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant("add"), n: fc.integer({ min: -2, max: 2 }) }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("take"), n: fc.nat(200) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove"), n: fc.nat(50) }) },
    );
    const orders = fc.constantFrom<QueueOrder>("fifo", "lifo", "adaptive");
    fc.assert(
      fc.property(orders, fc.array(step, { maxLength: 80, size: "max" }), (order, steps) => {
        const queue = new WaitQueue<Item>(order);
        let model: Item[] = [];
        let nowMs = 0;
        let emptyAtMs = 0;
        for (const [name, { kind, n }] of steps.entries()) {
          if (kind === "add") {
            const item = new Item(name, n);
            if (model.length === 0) emptyAtMs = nowMs;
            model.push(item);
            queue.add(item, nowMs);
          } else if (kind === "remove") {
            const item = model[n % Math.max(1, model.length)];
            model = model.filter((one) => one !== item);
            if (item !== undefined) queue.remove(item);
          } else {
            nowMs += n;
            const newest = order === "lifo" || (order === "adaptive" && nowMs - emptyAtMs > 100);
            const best = Math.max(...model.map(({ priority }) => priority));
            const equals = model.filter(({ priority }) => priority === best);
            const next = newest ? equals.at(-1) : equals[0];
            model = model.filter((one) => one !== next);
            expect(queue.take(nowMs)).toBe(next);
          }
          const lowest = Math.min(...model.map(({ priority }) => priority));
          expect(queue.last()).toBe(model.findLast(({ priority }) => priority === lowest));
          expect(queue.size).toBe(model.length);
        }
      }),
    );
  });
});
