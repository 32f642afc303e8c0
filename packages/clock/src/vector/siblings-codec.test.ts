/** Stored sibling sets: round trips, and records that somebody else wrote. */
import type { Json } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { jsonValues, type ValueCodec } from "./siblings-codec.ts";
import { Siblings } from "./siblings.ts";
import { VersionVector } from "./version-vector.ts";

const NOTHING = VersionVector.of();
const dates: ValueCodec<Date> = {
  encode: (date) => date.getTime(),
  decode: (json) => new Date(Number(json)),
};

describe("a stored sibling set", () => {
  it("comes back as it was, values by the codec", () => {
    const set = Siblings.empty<Date>()
      .write(new Date(5), NOTHING, "r1")
      .write(new Date(7), NOTHING, "🦊");
    const text = set.encode(dates);
    expect(text).toBe('[1,[["r1",1,[5]],["🦊",1,[7]]]]');
    const back = Siblings.decode(text, dates);
    expect(back.read().values).toEqual([new Date(5), new Date(7)]);
    expect(back.compare(set)).toBe("equal");
    expect(Siblings.decode(Siblings.empty<Date>().encode(dates), dates).size).toBe(0);
  });

  it("comes back for any JSON value", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 3 })), (values) => {
        let set = Siblings.empty<Json>();
        for (const value of values) set = set.write(value as Json, NOTHING, "r");
        const text = set.encode(jsonValues);
        expect(Siblings.decode(text, jsonValues).encode(jsonValues)).toBe(text);
      }),
    );
  });

  it("cannot reach a prototype through a value", () => {
    const set = Siblings.decode('[1,[["r",1,[{"__proto__":{"polluted":1}}]]]]', jsonValues);
    const [value] = set.read().values;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect((value as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each([
    "",
    "null",
    "7",
    "[]",
    "[1]",
    "[2,[]]",
    "[1,[],3]",
    '[1,[["r",1]]]',
    '[1,[["r",1,[],0]]]',
    '[1,[["r",0,[]]]]',
    '[1,[["r",1,[1,2]]]]',
    '[1,[["r",-1,[]]]]',
    '[1,[["r","1",[]]]]',
    '[1,[["r",9007199254740992,[]]]]',
    '[1,[["",1,[]]]]',
    "[1,[[7,1,[]]]]",
    '[1,[["\\ud800",1,[]]]]',
    '[1,[["b",1,[]],["a",1,[]]]]',
    '[1,[["a",1,[]],["a",2,[]]]]',
    '{"1":[]}',
    `[1,${"[".repeat(1_000)}`,
    7 as never,
    undefined as never,
  ])("is refused when it reads %j", (text) => {
    expect(() => Siblings.decode(text, jsonValues)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", effect: "none" }),
    );
  });

  it("is bounded in bytes, rows and values", () => {
    const tooLarge = expect.objectContaining({ code: "TOO_LARGE" });
    const rows = '[1,[["a",1,[1]],["b",1,[2]]]]';
    expect(() => Siblings.decode(rows, jsonValues, { maxEntries: 1 })).toThrow(tooLarge);
    expect(() => Siblings.decode(rows, jsonValues, { maxSiblings: 1 })).toThrow(tooLarge);
    expect(() => Siblings.decode(rows, jsonValues, { maxBytes: 8 })).toThrow(/29 bytes, at most 8/);
    expect(() => Siblings.decode(rows, jsonValues, { maxBytes: 0 })).toThrow(/maxBytes/);
  });
});
