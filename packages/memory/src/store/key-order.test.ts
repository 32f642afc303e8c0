import { compareNames } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyOrder } from "./key-order.ts";

describe("keys in order", () => {
  it("pages through what is there as a sorted set would, whatever came and went", () => {
    const key = fc.constantFrom(..."abcdefghijklm", "é", "\u{1F600}", "\uFFFD");
    const action = fc.record({ key, pages: fc.boolean(), size: fc.integer({ min: 1, max: 4 }) });
    const follows = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const order = new KeyOrder();
      const model = new Set<string>();
      for (const { key: name, pages, size } of actions) {
        if (model.delete(name)) order.remove(name);
        else order.add((model.add(name), name));
        expect(order.size).toBe(model.size);
        if (!pages) continue;
        const sorted = [...model].sort(compareNames);
        const behind = sorted.filter((one) => compareNames(one, name) > 0);
        expect(order.page(name, size)).toEqual(behind.slice(0, size));
        expect(order.page(undefined, size)).toEqual(sorted.slice(0, size));
      }
    });
    fc.assert(follows);
  });

  it("holds on to what is there, not to all that ever was, though nobody looks", () => {
    const order = new KeyOrder();
    const model = new Set<string>();
    for (let round = 0; round < 2_000; round += 1) {
      order.add(`key-${round}`);
      model.add(`key-${round}`);
      if (round < 10) continue;
      order.remove(`key-${round - 10}`);
      model.delete(`key-${round - 10}`);
      expect(order.size).toBe(10);
      expect(order.weight).toBeLessThan(200);
    }
    expect(order.page(undefined, 20)).toEqual([...model].sort(compareNames));
  });
});
