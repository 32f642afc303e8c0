/** What pruning may lose, proved on random histories; Riak's examples; what it refuses. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { histories, runHistory, truth } from "./history.fixture.ts";
import { VectorClock } from "./vector-clock.ts";

describe("pruning after every event of a random history", () => {
  it("turns before and after into concurrent at most, and tells no wrong order", () => {
    const lost = { order: 0, pairs: 0 };
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 4 }), (steps, keep) => {
        const events = runHistory(steps, (clock, own) => clock.prune({ own, keep }));
        for (const left of events) {
          expect(left.clock.size).toBeLessThanOrEqual(keep);
          for (const right of events) {
            const answer = left.clock.compare(right.clock);
            lost.pairs += 1;
            if (answer === "concurrent") lost.order += truth(left, right) === answer ? 0 : 1;
            else expect(answer).toBe(truth(left, right));
          }
        }
      }),
      { numRuns: 200 },
    );
    expect(lost.order).toBeGreaterThan(0); // Or the runs never pruned anything that mattered.
  });

  it("would tell wrong orders if a stamp's own entry could go", () => {
    const wrong = { count: 0 };
    fc.assert(
      fc.property(histories, (steps) => {
        const events = runHistory(steps);
        for (const left of events) {
          const others = [...left.clock].filter(([id]) => id !== left.node);
          const careless = VectorClock.of(others);
          for (const right of events) {
            const answer = careless.compare(right.clock);
            if (answer !== "concurrent" && answer !== truth(left, right)) wrong.count += 1;
          }
        }
      }),
      { numRuns: 50 },
    );
    expect(wrong.count).toBeGreaterThan(0);
  });

  it("never makes the newer version older, as a choice by wall-clock age alone may", () => {
    const newer = VectorClock.of({ x: 2, y: 1 });
    const older = VectorClock.of({ x: 1, y: 1 });
    expect(newer.compare(older)).toBe("after");
    expect(VectorClock.of({ y: 1 }).compare(older)).toBe("before"); // Dropped by a slow clock.
    expect(newer.prune({ own: "x", keep: 1 }).compare(older)).toBe("concurrent");
  });
});

// basho/riak_core, src/vclock.erl at 0b6c6b0, tests prune_small, prune_young, prune_big,
// prune_order; `own` is ours.
describe("Riak's published pruning examples", () => {
  const clock = VectorClock.of({ "1": 1, "2": 2, "3": 3 });

  it("leave a clock that is small enough as it is", () => {
    expect(clock.prune({ own: "1", keep: 4, ageMs: () => 32e9 }).compare(clock)).toBe("equal");
  });

  it("leave entries that are young, however many", () => {
    const pruned = clock.prune({ own: "1", keep: 1, ageMs: () => 1_000, youngMs: 1_000_000 });
    expect(pruned.compare(clock)).toBe("equal");
  });

  it("shrink what is neither small nor young to the wanted size", () => {
    const pruned = clock.prune({ own: "1", keep: 2, ageMs: () => 1e6, youngMs: 1_000 });
    expect(pruned.size).toBe(2);
  });

  it("choose alike among entries of one age", () => {
    const first = VectorClock.of([
      ["1", 1],
      ["2", 1],
      ["3", 1],
    ]);
    const second = VectorClock.of([
      ["3", 1],
      ["2", 1],
      ["1", 1],
    ]);
    const options = { own: "3", keep: 2, ageMs: () => 1e8 };
    expect(first.prune(options).encode()).toBe(second.prune(options).encode());
    expect(first.prune(options).encode()).toBe("2:1:3:1");
  });
});

describe("pruning", () => {
  const clock = VectorClock.of({ a: 5, b: 1, c: 9 });

  it("drops the oldest first, those never heard of before all", () => {
    const ages = new Map([
      ["a", 10],
      ["b", 20],
      ["c", Infinity],
    ]);
    const ageMs = (id: string): number => ages.get(id) ?? 0;
    expect(clock.prune({ own: "a", keep: 2, ageMs }).encode()).toBe("a:5:b:1");
    expect(clock.prune({ own: "c", keep: 2, ageMs }).encode()).toBe("a:5:c:9");
  });

  it("drops the smallest count first when ages are not known", () => {
    expect(clock.prune({ own: "b", keep: 2 }).encode()).toBe("b:1:c:9");
  });

  it.each([
    ["own without an entry", { own: "z", keep: 1 }],
    ["nothing kept", { own: "a", keep: 0 }],
    ["youngMs without ageMs", { own: "a", keep: 1, youngMs: 5 }],
    ["a negative age", { own: "a", keep: 1, ageMs: () => -1 }],
    ["an age that is none", { own: "a", keep: 1, ageMs: () => Number.NaN }],
    ["an unknown option", { own: "a", keep: 1, max: 3 } as never],
  ])("refuses %s", (_, options) => {
    expect(() => clock.prune(options)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", effect: "none" }),
    );
    expect(clock.encode()).toBe("a:5:b:1:c:9");
  });
});
