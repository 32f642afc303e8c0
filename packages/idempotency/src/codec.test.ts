import assert from "node:assert/strict";

import { isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { jsonCodec } from "./codec.ts";

const announced = (value: unknown): unknown => jsonCodec.decode(jsonCodec.encode(value));

describe("jsonCodec", () => {
  it.each([
    ["nothing", undefined],
    ["null", null],
    ["text", 'é\u2028"\\\n'],
    ["an empty text", ""],
    ["a number", 1e21],
    ["a list", [1, [2, {}], []]],
    ["a tree", { id: 7, lines: [{ sku: "a", n: 2 }], note: null }],
    ["odd keys", JSON.parse('{"__proto__":{"a":1},"constructor":2,"":3,"10":4,"9":5}')],
  ])("brings back %s, deep-equal to what the work returned", (_, value) => {
    assert.deepStrictEqual(announced(value), value);
    expect(announced(value)).toStrictEqual(value);
  });

  it("brings back any JSON deep-equal and members in their order", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const again = announced(value);
        expect(again).toEqual(JSON.parse(JSON.stringify(value)));
        expect(JSON.stringify(again)).toBe(JSON.stringify(value));
        assert.deepStrictEqual(announced(again), again);
      }),
    );
  });

  it("gives the first caller what every replay gets, where JSON forgets a little", () => {
    const value = { kept: 1, absent: undefined, zero: -0, bare: Object.create(null) };
    const first = announced(value);
    expect(first).toStrictEqual({ kept: 1, zero: 0, bare: {} });
    assert.deepStrictEqual(announced(first), first);
  });

  it.each([
    ["result.at", { at: new Date(0) }],
    ["result.total", { total: 5n }],
    ["result.rows[1].ids", { rows: [{}, { ids: new Set([1]) }] }],
    ["result[0]", [undefined]],
    ["result.rate", { rate: Number.NaN }],
    ["result", new Map()],
    ["result", () => 1],
  ])("refuses at %s what would come back as something else", (place, value) => {
    try {
      jsonCodec.encode(value);
      expect.unreachable();
    } catch (error) {
      expect(isQuorateError(error, "INVALID_ARGUMENT") && error.details.option).toBe(place);
    }
  });

  it("gives each caller an object of its own", () => {
    const text = jsonCodec.encode({ items: [1] });
    const [one, other] = [jsonCodec.decode(text), jsonCodec.decode(text)] as { items: number[] }[];
    one?.items.push(2);
    expect(other?.items).toEqual([1]);
  });

  it.each([["{"], ["undefined"], ["[".repeat(65) + "]".repeat(65)], ["[".repeat(200_000)]])(
    "refuses a stored text that it never wrote, and does not repeat it (%#)",
    (text) => {
      expect(() => jsonCodec.decode(text)).toThrow(/INVALID_ARGUMENT: text must be JSON/);
    },
  );

  it("reads as deep as it writes, and pollutes nothing", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 64; level++) deep = { deep };
    assert.deepStrictEqual(announced(deep), deep);
    expect(() => jsonCodec.encode({ deep })).toThrow(/deeper than 64/);
    jsonCodec.decode('{"__proto__":{"admin":true}}');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});
