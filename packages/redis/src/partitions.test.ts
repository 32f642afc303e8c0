import { encodeName } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { entryKey, Partitions } from "./partitions.ts";
import { slotOf } from "./slots.ts";

describe("Partitions", () => {
  it("keep all that a script touches in one slot, whatever the name", () => {
    const partitions = new Partitions("shop/{x}", 16);
    for (const name of ["a", "{b}", "a/}{c}", "€/*?[x]", "x".repeat(100)]) {
      const encoded = encodeName(name);
      const partition = partitions.of(encoded);
      const { clock, expiries, leases, names, watched, changes, leaseChanges } = partition;
      const keys = [clock, expiries, leases, names, watched, changes, leaseChanges];
      for (const key of [...keys, entryKey(partition, encoded)]) {
        expect(slotOf(key)).toBe(partition.slot);
      }
    }
  });

  it("spread names evenly enough", () => {
    const partitions = new Partitions("n", 16);
    const counts = new Map<number, number>();
    for (let index = 0; index < 16_000; index++) {
      const at = partitions.of(`order:${index}`).index;
      counts.set(at, (counts.get(at) ?? 0) + 1);
    }
    expect(Math.min(...counts.values())).toBeGreaterThan(800);
    expect(Math.max(...counts.values())).toBeLessThan(1_200);
  });

  it("place a name the same for ever: these are in the stores of others", () => {
    const partitions = new Partitions("n", 16);
    expect(["a", "order:1", "x/y"].map((name) => partitions.of(name).index)).toEqual([12, 2, 3]);
  });

  it("keep namespaces apart that differ in a separator only", () => {
    const [one, two] = [new Partitions("a/b", 1), new Partitions("a:b", 1)];
    expect(one.all[0]?.prefix).not.toBe(two.all[0]?.prefix);
  });
});
