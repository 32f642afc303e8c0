import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { Bag, type Bagged } from "./bag.ts";

class Item implements Bagged {
  place = -1;
}

describe("a bag", () => {
  it("holds what a Set would, whatever is added and removed", () => {
    const pool = Array.from({ length: 12 }, () => new Item());
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 23 }), { maxLength: 80 }), (steps) => {
        const bag = new Bag<Item>();
        const model = new Set<Item>();
        for (const item of pool) item.place = -1;
        for (const step of steps) {
          const item = pool[step % 12] as Item;
          if (step >= 12) {
            bag.remove(item);
            model.delete(item);
          } else if (!model.has(item)) {
            bag.add(item);
            model.add(item);
          }
          expect(new Set(bag.all())).toEqual(model);
          expect(bag.size).toBe(model.size);
        }
        for (const item of pool) {
          expect(bag.find((one) => one === item)).toBe(model.has(item) ? item : undefined);
        }
      }),
    );
  });

  it("lets what is in it be taken out while it is walked through", () => {
    const bag = new Bag<Item>();
    const items = [new Item(), new Item(), new Item()];
    for (const item of items) bag.add(item);
    const seen: Item[] = [];
    for (const item of bag.all()) {
      seen.push(item);
      bag.remove(item);
      bag.remove(item);
    }
    expect(seen).toEqual(items);
    expect(bag.size).toBe(0);
  });
});
