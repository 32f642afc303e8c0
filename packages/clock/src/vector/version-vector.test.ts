/** Version vectors: which writes a replica contains. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { VersionVector } from "./version-vector.ts";

const vectors = fc
  .dictionary(fc.constantFrom("r1", "r2", "r3", "__proto__x"), fc.nat(3), { noNullPrototype: true })
  .map((counts) => VersionVector.of(counts));
const dots = fc.record({
  replica: fc.constantFrom("r1", "r2", "r3"),
  counter: fc.integer({ min: 1, max: 4 }),
});

/** The writes that a vector stands for, one by one. */
function writes(vector: VersionVector): Set<string> {
  const all = [...vector].flatMap(([replica, count]) =>
    Array.from({ length: count }, (_, index) => `${replica}:${index + 1}`),
  );
  return new Set(all);
}

describe("a version vector", () => {
  it("stands for a set of writes: contains, includes, merge and missing agree with it", () => {
    fc.assert(
      fc.property(vectors, vectors, dots, (a, b, dot) => {
        const [ours, theirs] = [writes(a), writes(b)];
        expect(a.contains(dot)).toBe(ours.has(`${dot.replica}:${dot.counter}`));
        expect(a.includes(b)).toBe([...theirs].every((write) => ours.has(write)));
        expect(writes(a.merge(b))).toEqual(new Set([...ours, ...theirs]));
        const caughtUp = a.missing(b).reduce((vector, lacking) => vector.with(lacking), a);
        expect(caughtUp.encode()).toBe(a.merge(b).encode());
        expect(a.missing(b).length === 0).toBe(a.includes(b));
      }),
    );
  });

  it("names each write of a replica once", () => {
    const after = VersionVector.of({ r1: 3 }).tick("r1");
    expect(after.lastDot("r1")).toEqual({ replica: "r1", counter: 4 });
    expect(after.lastDot("r2")).toBeUndefined();
  });

  it("is equal on replicas that have exchanged everything; merging ticks nothing", () => {
    const [r1, r2] = [VersionVector.of().tick("r1"), VersionVector.of().tick("r2")];
    expect(r1.merge(r2).compare(r2.merge(r1))).toBe("equal");
  });

  it("keeps its bound when a dot is added", () => {
    const small = VersionVector.of({ r1: 1 }, { maxEntries: 1 });
    expect(() => small.with({ replica: "r2", counter: 1 })).toThrow(/at most 1/);
    expect(small.with({ replica: "r1", counter: 5 }).maxEntries).toBe(1);
  });

  it("forgets a replica that has left", () => {
    const vector = VersionVector.of({ r1: 3, r2: 4, r3: 5 });
    expect(vector.without("r2").encode()).toBe("r1:3:r3:5");
    expect(vector.without("r9")).toBe(vector);
  });

  it.each([
    null,
    "r1:1",
    {},
    { replica: "r1" },
    { replica: "", counter: 1 },
    { replica: "r1", counter: 0 },
    { replica: "r1", counter: 2 ** 53 },
    { replica: "r1", counter: "1" },
  ])("refuses %j as a dot", (dot) => {
    const vector = VersionVector.of({ r1: 1 });
    const refusal = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    expect(() => vector.contains(dot as never)).toThrow(refusal);
    expect(() => vector.with(dot as never)).toThrow(refusal);
  });
});
