/** Dotted versions: the published walk, agreement with sibling sets, and refusals. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { DottedVersion } from "./dotted-version.ts";
import { Siblings } from "./siblings.ts";
import { VersionVector } from "./version-vector.ts";

const NOTHING = VersionVector.of();

// ricardobcl/Dotted-Version-Vectors, README at 007e9ad, "The Origin": v1 and v2 are written to
// server A without a context, v3 with the context (A,1) that it got by reading v1.
describe("the published walk of dotted version vectors", () => {
  const v1 = DottedVersion.of({ replica: "A", counter: 1 }, NOTHING);
  const v2 = DottedVersion.of({ replica: "A", counter: 2 }, NOTHING);
  const v3 = DottedVersion.of({ replica: "A", counter: 3 }, VersionVector.of({ A: 1 }));

  it("keeps both blind writes", () => {
    expect(v1.compare(v2)).toBe("concurrent");
    expect(v2.compare(v1)).toBe("concurrent");
  });

  it("discards what the third had read, and keeps what it had not", () => {
    expect(v1.compare(v3)).toBe("before");
    expect(v3.compare(v1)).toBe("after");
    expect(v2.compare(v3)).toBe("concurrent");
    expect(v3.compare(v3)).toBe("equal");
    expect(v1.read().encode()).toBe("A:1");
  });
});

describe("dotted versions", () => {
  it("say the same as a sibling set does, for any contexts of one server", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10), { maxLength: 12 }), (reads) => {
        let set = Siblings.empty<DottedVersion>();
        let rows: DottedVersion[] = [];
        for (const [index, read] of reads.entries()) {
          const context = VersionVector.of({ s: Math.min(read, index) });
          const version = DottedVersion.of({ replica: "s", counter: index + 1 }, context);
          set = set.write(version, context, "s");
          rows = [...rows.filter((old) => old.compare(version) !== "before"), version];
        }
        expect(new Set(rows)).toEqual(new Set(set.read().values));
      }),
    );
  });

  it("come back from JSON", () => {
    const version = DottedVersion.of(
      { replica: "r1", counter: 3 },
      VersionVector.of({ r1: 1, r2: 4 }),
    );
    const back = DottedVersion.fromJSON(JSON.parse(JSON.stringify(version)));
    expect(back.compare(version)).toBe("equal");
    expect(back.toJSON()).toEqual([
      "r1",
      3,
      [
        ["r1", 1],
        ["r2", 4],
      ],
    ]);
  });

  it("keep both where two contexts contradict each other", () => {
    const left = DottedVersion.of({ replica: "a", counter: 1 }, VersionVector.of({ b: 1 }));
    const right = DottedVersion.of({ replica: "b", counter: 1 }, VersionVector.of({ a: 1 }));
    expect(left.compare(right)).toBe("concurrent");
  });

  it.each([
    [
      "a dot inside its own context",
      () => DottedVersion.of({ replica: "r", counter: 1 }, VersionVector.of({ r: 1 })),
    ],
    ["a context that is none", () => DottedVersion.of({ replica: "r", counter: 1 }, {} as never)],
    ["a dot that is none", () => DottedVersion.of({ replica: "", counter: 1 }, NOTHING)],
    [
      "another thing to compare with",
      () => DottedVersion.of({ replica: "r", counter: 1 }, NOTHING).compare({} as never),
    ],
    ["JSON that is none", () => DottedVersion.fromJSON(["r", 1])],
    ["JSON with a bad counter", () => DottedVersion.fromJSON(["r", 0, []])],
  ])("refuse %s", (_, act) => {
    expect(act).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", effect: "none" }));
  });
});
