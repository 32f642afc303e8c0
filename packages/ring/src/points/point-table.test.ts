import { seededRandom } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildTable, findPoint, HASHES, LAST_HASH, replaceNode } from "./point-table.ts";
import { radixSort } from "./radix-sort.ts";

type Lists = readonly (readonly number[])[];

// Few different values, and the ends of the range: equal points and borders come up all the time.
const point = fc.oneof(
  fc.constantFrom(0, 1, 2, 7, 2 ** 31, LAST_HASH - 1, LAST_HASH),
  fc.integer({ min: 0, max: LAST_HASH }),
);
const lists = fc.array(fc.array(point, { maxLength: 8 }), { maxLength: 8 });

function tableOf(given: Lists): ReturnType<typeof buildTable> {
  return buildTable(given.map((list) => Uint32Array.from(list)));
}

function pairs(table: ReturnType<typeof buildTable>): [number, number][] {
  return Array.from({ length: table.size }, (_, at) => [
    table.points[at] as number,
    table.owners[at] as number,
  ]);
}

describe("radix sort", () => {
  it.each([0, 1, 5_000, 40_000])("sorts %i like a comparator, equals in their order", (size) => {
    const random = seededRandom(5);
    const given = Array.from({ length: size }, (_, index): [number, number] => [
      Math.floor(random.next() * (index % 2 === 0 ? 40 : HASHES)),
      index,
    ]);
    const points = Uint32Array.from(given, ([value]) => value);
    const owners = Uint16Array.from(given, ([, index]) => index);
    const sorted = radixSort({ points, owners });
    const expected = given.toSorted(([a], [b]) => a - b);
    expect([...sorted.points]).toEqual(expected.map(([value]) => value));
    expect([...sorted.owners]).toEqual(expected.map(([, index]) => index));
  });
});

describe("point table", () => {
  it("lists points in order, equal ones by the order of their nodes", () => {
    fc.assert(
      fc.property(lists, (given) => {
        const expected = given
          .flatMap((list, index) => list.map((value): [number, number] => [value, index]))
          .toSorted(([a, first], [b, second]) => a - b || first - second);
        expect(pairs(tableOf(given))).toEqual(expected);
      }),
    );
  });

  it("finds the first point at or after a hash, and wraps to the first of all", () => {
    fc.assert(
      fc.property(lists, fc.array(point), (given, hashes) => {
        const table = tableOf(given);
        const sorted = [...table.points.subarray(0, table.size)];
        for (const hash of [...hashes, ...sorted, 0, LAST_HASH]) {
          const expected = sorted.findIndex((value) => value >= hash);
          const found = findPoint(table, hash);
          expect(found).toBe(expected < 0 ? table.size : expected);
          expect(table.owners[found]).toBe(table.owners[expected < 0 ? 0 : expected]);
        }
      }),
    );
  });

  it("replaces one node's points as if it had been built anew", () => {
    const change = fc.tuple(lists, fc.array(point, { maxLength: 8 }), fc.nat(), fc.nat(2));
    fc.assert(
      fc.property(change, ([given, list, where, kind]) => {
        const has = Uint32Array.from(list).sort();
        const there = given.length > 0 && kind > 0;
        const at = where % (given.length + (there ? 0 : 1));
        const had = there ? given[at]?.length : undefined;
        const leaves = there && kind === 2;
        const after = given.toSpliced(at, there ? 1 : 0, ...(leaves ? [] : [[...has]]));
        const replaced = replaceNode(tableOf(given), { at, had, has: leaves ? undefined : has });
        expect(replaced).toEqual(tableOf(after));
      }),
      { numRuns: 500 },
    );
  });
});
