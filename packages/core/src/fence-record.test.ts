import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decodeFenceRecord, encodeFenceRecord, encodeToken } from "./fence-record.ts";

const token = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

describe("a fence record", () => {
  it("reads back its floor and its payload, whatever its bytes are", () => {
    fc.assert(
      fc.property(token, fc.uint8Array(), (floor, payload) => {
        const read = decodeFenceRecord(encodeFenceRecord({ floor, payload }));
        expect(read?.floor).toBe(floor);
        expect([...(read?.payload ?? [])]).toEqual([...payload]);
      }),
    );
  });

  it("orders tokens as text just as it does as numbers", () => {
    fc.assert(
      fc.property(token, token, (left, right) => {
        expect(encodeToken(left) < encodeToken(right)).toBe(left < right);
      }),
    );
    expect(encodeToken(Number.MAX_SAFE_INTEGER)).toHaveLength(16);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 53, "7"])("refuses the token %s", (bad) => {
    expect(() => encodeToken(bad as number)).toThrow("fencingToken");
  });

  it.each([
    "",
    "123",
    "0000000000000000payload",
    "9999999999999999",
    " 000000000000001",
    "000000000000001e",
  ])("does not take %j for one", (text) => {
    expect(decodeFenceRecord(Buffer.from(text))).toBeUndefined();
  });
});
