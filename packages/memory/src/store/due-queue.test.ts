import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DueQueue } from "./due-queue.ts";

describe("a due queue", () => {
  it("gives names in order of their time, whatever was moved or taken off", () => {
    const change = fc.tuple(
      fc.constantFrom("a", "b", "c", "d", "e"),
      fc.option(fc.nat({ max: 50 }), { nil: undefined }),
    );
    const property = fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const queue = new DueQueue();
      const truth = new Map<string, number>();
      for (const [name, dueMs] of changes) {
        queue.set(name, dueMs);
        if (dueMs === undefined) truth.delete(name);
        else truth.set(name, dueMs);
        const earliest = truth.size === 0 ? undefined : Math.min(...truth.values());
        expect(queue.nextMs()).toBe(earliest);
        expect(queue.size).toBe(truth.size);
      }
      for (let nowMs = 0; nowMs <= 50; nowMs++) {
        for (let name = queue.take(nowMs); name !== undefined; name = queue.take(nowMs)) {
          expect(truth.get(name)).toBe(nowMs);
          truth.delete(name);
        }
      }
      expect(truth.size).toBe(0);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("takes nothing before its time", () => {
    const queue = new DueQueue();
    queue.set("a", 10);
    expect(queue.take(9)).toBeUndefined();
    expect(queue.take(10)).toBe("a");
    expect(queue.take(10)).toBeUndefined();
  });
});
