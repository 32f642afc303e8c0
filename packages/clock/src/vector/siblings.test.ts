/** Siblings in use, the published examples of dotted version vectors, bounds and refusals. */
import { describe, expect, it } from "vitest";

import { jsonValues } from "./siblings-codec.ts";
import { Siblings } from "./siblings.ts";
import { VersionVector } from "./version-vector.ts";

const NOTHING = VersionVector.of();

function refusal(code: string): unknown {
  return expect.objectContaining({ code, effect: "none" });
}

describe("two clients that write through one server with stale contexts", () => {
  it("lose nothing, though both writes get the server's entry", () => {
    const set = Siblings.empty<string>().write("mary", NOTHING, "s").write("peter", NOTHING, "s");
    expect(set.read().values).toEqual(["peter", "mary"]);
  });

  it("replace exactly what they had read", () => {
    let set = Siblings.empty<string>().write("v1", NOTHING, "s");
    const seen = set.read().context;
    set = set.write("v2", NOTHING, "s").write("v3", seen, "s"); // v3 replaces v1; v2 it never saw.
    expect(set.read().values).toEqual(["v3", "v2"]);
    set = set.write("v4", seen, "s"); // The same old context again: nothing more is replaced.
    expect(set.read().values).toEqual(["v4", "v3", "v2"]);
  });

  it("leave one value once somebody has read all and resolved", () => {
    const set = Siblings.empty<string>().write("a", NOTHING, "s").write("b", NOTHING, "t");
    const resolved = set.write("ab", set.read().context, "t");
    expect(resolved.read().values).toEqual(["ab"]);
    expect(resolved.merge(set).read().values).toEqual(["ab"]); // A late replica brings none back.
    expect(set.merge(resolved).compare(resolved)).toBe("equal");
  });

  it("would lose a write with a plain version vector", () => {
    const mary = NOTHING.tick("s");
    const peter = mary.tick("s"); // Peter never saw Mary's write, but the server did.
    expect(mary.compare(peter)).toBe("before"); // So Mary's value would be thrown away.
  });
});

describe("a removal", () => {
  it("takes what its context had seen, and stays done", () => {
    const set = Siblings.empty<string>().write("old", NOTHING, "s");
    const { context } = set.read();
    const removed = set.write("new", NOTHING, "t").remove(context);
    expect(removed.read().values).toEqual(["new"]);
    expect(removed.merge(set).read().values).toEqual(["new"]);
  });

  it("is seen by compare, though it changes no context", () => {
    const set = Siblings.empty<string>().write("v", NOTHING, "s");
    const removed = set.remove(set.read().context);
    expect(removed.read().context.compare(set.read().context)).toBe("equal");
    expect(set.compare(removed)).toBe("before");
    expect(removed.compare(set)).toBe("after");
    expect(removed.size).toBe(0);
  });

  it("reaches what the replica has not heard of yet", () => {
    const elsewhere = Siblings.empty<string>().write("v", NOTHING, "t");
    const removed = Siblings.empty<string>().remove(elsewhere.read().context);
    expect(removed.merge(elsewhere).read().values).toEqual([]);
  });
});

describe("versions", () => {
  it("name the write of each value", () => {
    const set = Siblings.empty<string>().write("a", NOTHING, "s").write("b", NOTHING, "s");
    expect(set.versions()).toEqual([
      { dot: { replica: "s", counter: 2 }, value: "b" },
      { dot: { replica: "s", counter: 1 }, value: "a" },
    ]);
  });
});

describe("a sibling set", () => {
  it("refuses a write that its replica's own lost history would make ambiguous", () => {
    const set = Siblings.empty<string>().write("v", NOTHING, "s").write("w", NOTHING, "s");
    const { context } = set.read();
    const reborn = Siblings.empty<string>(); // s came back without its disk.
    expect(() => reborn.write("x", context, "s")).toThrow(refusal("INVALID_ARGUMENT"));
    expect(reborn.write("x", context, "s2").merge(set).read().values).toEqual(["x"]);
  });

  it("is bounded, refuses beyond and keeps what it has", () => {
    const set = Siblings.empty<string>({ maxSiblings: 2, maxEntries: 2 })
      .write("a", NOTHING, "s")
      .write("b", NOTHING, "s");
    expect(() => set.write("c", NOTHING, "s")).toThrow(refusal("TOO_LARGE"));
    expect(set.write("c", set.read().context, "s").read().values).toEqual(["c"]);
    const third = Siblings.empty<string>().write("c", NOTHING, "t");
    expect(() => set.merge(third)).toThrow(refusal("TOO_LARGE"));
    const full = set.remove(set.read().context).write("x", NOTHING, "t");
    expect(() => full.write("y", NOTHING, "u")).toThrow(refusal("TOO_LARGE"));
    expect(set.read().values).toEqual(["b", "a"]);
  });

  it.each([
    ["an id that is none", () => Siblings.empty<string>().write("v", NOTHING, "")],
    ["a context that is none", () => Siblings.empty<string>().write("v", {} as never, "s")],
    ["a removal without a context", () => Siblings.empty<string>().remove(undefined as never)],
    ["a merge with something else", () => Siblings.empty<string>().merge([] as never)],
    ["a bound that is none", () => Siblings.empty<string>({ maxSiblings: 0 })],
    ["an unknown option", () => Siblings.empty<string>({ max: 5 } as never)],
  ])("refuses %s", (_, act) => {
    expect(act).toThrow(refusal("INVALID_ARGUMENT"));
  });

  it("refuses the write that would leave the safe integers", () => {
    const full = Siblings.decode(`[1,[["s",${2 ** 53 - 1},[]]]]`, jsonValues);
    expect(() => full.write("v", NOTHING, "s")).toThrow(refusal("INVALID_ARGUMENT"));
    expect(full.write("v", NOTHING, "t").size).toBe(1);
  });
});

// ricardobcl/Dotted-Version-Vectors, src/dvvset.erl at 3bb5b7b, EUnit tests of these names. There a
// clock is {[{id, counter, values}], anonymous}; the anonymous list holds what was never written
// through a replica, which our `write` cannot leave out. `in` reads a clock as published.
describe("the published examples of dotted version vector sets", () => {
  const empty = Siblings.empty<string>();
  const rows = (set: Siblings<string>): unknown => {
    const [, published] = JSON.parse(set.encode(jsonValues as never)) as [number, unknown];
    return published;
  };
  const published = (clock: unknown): Siblings<string> =>
    Siblings.decode(JSON.stringify([1, clock]), jsonValues as never);
  const join = (set: Siblings<string>): VersionVector => set.read().context;

  it("join_test", () => {
    const a1 = empty.write("v1", NOTHING, "a");
    const b1 = a1.write("v2", join(a1), "b");
    expect(join(empty).toJSON()).toEqual([]);
    expect(join(a1).toJSON()).toEqual([["a", 1]]);
    expect(join(b1).toJSON()).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
  });

  it("update_test", () => {
    const a0 = empty.write("v1", NOTHING, "a");
    const a1 = a0.write("v2", join(a0), "a");
    expect(rows(a0)).toEqual([["a", 1, ["v1"]]]);
    expect(rows(a1)).toEqual([["a", 2, ["v2"]]]);
    expect(rows(a1.write("v3", join(a1), "b"))).toEqual([
      ["a", 2, []],
      ["b", 1, ["v3"]],
    ]);
    expect(rows(a1.write("v4", join(a0), "b"))).toEqual([
      ["a", 2, ["v2"]],
      ["b", 1, ["v4"]],
    ]);
    expect(rows(a1.write("v5", join(a0), "a"))).toEqual([["a", 3, ["v5", "v2"]]]);
  });

  it("sync_test", () => {
    const x = published([["x", 1, []]]);
    const a = empty.write("v1", NOTHING, "a");
    const y = empty.write("v2", NOTHING, "b");
    const a1 = a.write("v2", join(a), "a");
    const a3 = a1.write("v3", join(a1), "b");
    const a4 = a1.write("v3", join(a1), "c");
    const w = published([["a", 1, []]]);
    const z = published([["a", 2, ["v2", "v1"]]]);
    const cases: [Siblings<string>, Siblings<string>, unknown][] = [
      [w, z, [["a", 2, ["v2"]]]],
      [a, a1, [["a", 2, ["v2"]]]],
      [
        a4,
        a3,
        [
          ["a", 2, []],
          ["b", 1, ["v3"]],
          ["c", 1, ["v3"]],
        ],
      ],
      [
        x,
        a,
        [
          ["a", 1, ["v1"]],
          ["x", 1, []],
        ],
      ],
      [
        a,
        y,
        [
          ["a", 1, ["v1"]],
          ["b", 1, ["v2"]],
        ],
      ],
    ];
    for (const [left, right, merged] of cases) {
      expect(rows(left.merge(right))).toEqual(merged);
      expect(rows(right.merge(left))).toEqual(merged);
    }
  });

  it("sync_update_test: Mary writes, Peter reads, Mary writes blindly, Peter writes", () => {
    const a0 = empty.write("v1", NOTHING, "a");
    const peter = join(a0);
    const a1 = a0.write("v2", NOTHING, "a");
    expect(peter.toJSON()).toEqual([["a", 1]]);
    expect(rows(a1)).toEqual([["a", 2, ["v2", "v1"]]]);
    expect(rows(a1.write("v3", peter, "a"))).toEqual([["a", 3, ["v3", "v2"]]]);
  });

  it("event_test", () => {
    const a = empty.write("v1", NOTHING, "a");
    expect(rows(a.write("v2", NOTHING, "a"))).toEqual([["a", 2, ["v2", "v1"]]]);
    expect(rows(a.write("v2", NOTHING, "b"))).toEqual([
      ["a", 1, ["v1"]],
      ["b", 1, ["v2"]],
    ]);
  });

  it("less_test, on the histories", () => {
    const a = empty.write("v1", NOTHING, "a");
    const [b, b2, b3] = ["a", "b", "z"].map((id) => a.write("v2", join(a), id));
    if (b === undefined || b2 === undefined || b3 === undefined) throw new Error("three expected");
    const c = a.merge(b).write("v3", join(b), "c");
    const d = b2.merge(c).write("v4", join(c), "d");
    const less = (left: Siblings<string>, right: Siblings<string>): boolean =>
      join(left).compare(join(right)) === "before";
    for (const [left, right] of [
      [a, b],
      [a, c],
      [b, c],
      [b, d],
      [b2, d],
      [a, d],
    ] as const) {
      expect(less(left, right)).toBe(true);
    }
    const not = [
      [b2, c],
      [b, b2],
      [b2, b],
      [a, a],
      [c, c],
      [d, b2],
      [b3, d],
    ] as const;
    for (const [left, right] of not) expect(less(left, right)).toBe(false);
  });

  it("equal_test and size_test, but for anonymous values and entries of 0", () => {
    const a = published([
      ["a", 4, ["v5", "v0"]],
      ["c", 1, ["v3"]],
    ]);
    const b = published([
      ["a", 4, ["v555", "v0"]],
      ["c", 1, ["v3"]],
    ]);
    const c = published([["a", 4, ["v5", "v0"]]]);
    expect(a.compare(b)).toBe("equal"); // Only the histories are compared, not the values.
    expect(a.compare(c)).not.toBe("equal");
    expect(a.size).toBe(3);
    expect(a.read().values.toSorted()).toEqual(["v0", "v3", "v5"]);
  });
});
