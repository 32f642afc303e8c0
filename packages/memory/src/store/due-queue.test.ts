import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DueQueue } from "./due-queue.ts";

/** A queue, and the owner that knows when each name falls due. */
function world() {
  const truth = new Map<string, number>();
  const asked: string[] = [];
  const queue = new DueQueue((name) => {
    asked.push(name);
    return truth.get(name);
  });
  const move = (name: string, dueMs: number | undefined): void => {
    const before = truth.get(name);
    if (dueMs === undefined) truth.delete(name);
    else truth.set(name, dueMs);
    queue.moved(name, before, dueMs);
  };
  return { truth, queue, move, asked };
}

describe("a due queue", () => {
  it("gives names in order of their time, whatever was moved or taken off", () => {
    const change = fc.tuple(
      fc.constantFrom("a", "b", "c", "d", "e"),
      fc.option(fc.nat({ max: 50 }), { nil: undefined }),
    );
    const property = fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
      const { truth, queue, move } = world();
      for (const [name, dueMs] of changes) {
        move(name, dueMs);
        const earliest = truth.size === 0 ? undefined : Math.min(...truth.values());
        expect(queue.nextMs()).toBe(earliest);
        expect(queue.size).toBe(truth.size);
      }
      for (let nowMs = 0; nowMs <= 50; nowMs++) {
        for (let name = queue.due(nowMs); name !== undefined; name = queue.due(nowMs)) {
          expect(truth.get(name)).toBe(nowMs);
          move(name, undefined);
        }
      }
      expect([truth.size, queue.size, queue.nextMs()]).toEqual([0, 0, undefined]);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("gives nothing before its time, and what is moved on when it is due again", () => {
    const { queue, move } = world();
    move("a", 10);
    expect(queue.due(9)).toBeUndefined();
    expect(queue.due(10)).toBe("a");
    move("a", 20);
    expect(queue.due(10)).toBeUndefined();
    expect(queue.due(20)).toBe("a");
  });

  it("forgets names that come and go, and none of those that stay", () => {
    const { queue, move, asked } = world();
    for (let index = 0; index < 10; index += 1) move(`stays-${index}`, 1_000_000 + index);
    for (let index = 0; index < 100_000; index += 1) {
      move(`goes-${index}`, 2_000_000 - index);
      move(`goes-${index}`, undefined);
    }
    asked.length = 0;
    move("stays-0", undefined);
    expect(queue.nextMs()).toBe(1_000_001);
    // What is left of a hundred thousand is looked at when it surfaces.
    expect(asked.length).toBeLessThan(200);
    expect(queue.size).toBe(9);
  });

  it("is empty when cleared, and begins anew", () => {
    const { truth, queue, move } = world();
    for (const name of ["a", "b", "c"]) move(name, 5);
    truth.clear();
    queue.clear();
    expect([queue.size, queue.nextMs(), queue.due(9)]).toEqual([0, undefined, undefined]);
    move("b", 7);
    expect([queue.size, queue.due(7)]).toEqual([1, "b"]);
  });
});
