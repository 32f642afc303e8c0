import { memoryBackend } from "@quorate/memory";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Payloads } from "./payloads.ts";

const payloads = new Payloads(memoryBackend(), undefined, 1_000);

/** As a process sees it that takes the saga up later. */
function stored(value: unknown): unknown {
  return payloads.decode(payloads.encode(value, "key") ?? "null");
}

function same(value: unknown): unknown {
  return payloads.same(value, payloads.encode(value, "key") ?? "null");
}

describe("what a step made, as the next one sees it", () => {
  it("is what another process would read, whatever it is", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withDate: true }), (value) => {
        let expected: unknown;
        try {
          expected = stored(value);
        } catch {
          return; // It cannot be stored, and nobody sees it.
        }
        if (value === undefined) return; // It has no output.
        expect(same(value)).toStrictEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["minus zero", -0],
    ["no number", Number.NaN],
    ["endless", Infinity],
    ["a member that is none", { a: undefined, b: 1 }],
    ["a member that is minus zero", { a: -0 }],
    ["an object with its own words", { a: 1, toJSON: () => ({ b: 2 }) }],
    [
      "an instance",
      new (class Point {
        x = 1;
      })(),
    ],
    ["a member __proto__", JSON.parse('{"__proto__":1}') as unknown],
    ["a list", [1, "2", null]],
  ])("is so for %s", (_, value) => {
    expect(same(value)).toStrictEqual(stored(value));
  });

  it("is a copy: what the step does to its own afterwards nobody sees", () => {
    const value = { id: "r-1" };
    const seen = same(value);
    value.id = "changed";
    expect(seen).toEqual({ id: "r-1" });
  });
});
