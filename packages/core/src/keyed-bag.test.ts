import fc from "fast-check";
import { expect, it } from "vitest";

import { KeyedBag } from "./keyed-bag.ts";

it("a keyed bag is what a map would be, whatever comes and goes", () => {
  const key = fc.constantFrom("a", "b", "c", "__proto__", "");
  const doing = fc.oneof(
    fc.record({ what: fc.constant("set" as const), key, item: fc.nat() }),
    fc.record({ what: fc.constant("delete" as const), key }),
  );
  fc.assert(
    fc.property(fc.array(doing, { maxLength: 60 }), (doings) => {
      const map = new Map<string, number>();
      const bag = new KeyedBag<number>();
      for (const one of doings) {
        if (one.what === "set") {
          map.set(one.key, one.item);
          bag.set(one.key, one.item);
        } else {
          map.delete(one.key);
          bag.delete(one.key);
        }
        for (const of of ["a", "b", "c", "__proto__", ""]) {
          expect([bag.has(of), bag.get(of)]).toEqual([map.has(of), map.get(of)]);
        }
        expect(bag.size).toBe(map.size);
        expect(new Set(bag.all())).toEqual(new Set(map.values()));
        expect(bag.all()).toHaveLength(map.size);
      }
    }),
  );
});

it("what is all of it stays what it was while things come and go", () => {
  const bag = new KeyedBag<string>();
  bag.set("a", "1");
  const all = bag.all();
  bag.delete("a");
  bag.set("b", "2");
  expect(all).toEqual(["1"]);
});
