import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byPrefix } from "./prefixes.ts";

describe("byPrefix", () => {
  it("reads the whole list, whatever its length", () => {
    fc.assert(
      fc.property(fc.nat(300), (length) => {
        const list = Array.from({ length }, (_, index) => index);
        expect([...byPrefix((count) => list.slice(0, count))]).toEqual(list);
      }),
    );
  });

  it("asks for no more than it must", () => {
    const asked: number[] = [];
    const walk = byPrefix((count) => {
      asked.push(count);
      return Array.from({ length: count }, (_, index) => index);
    });
    for (const item of walk) if (item === 17) break;
    expect(asked).toEqual([4, 16, 64]);
  });
});
