import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fillTable, type Preference } from "./table.ts";
import { xxHash64 } from "./xxhash64.fixture.ts";

const even = (offset: number, skip: number): Preference => ({ offset, skip, weight: 1 });

/** As Envoy derives them (source/common/upstream/maglev_lb.cc). */
function envoyPreference(address: string, size: number, weight: number): Preference {
  const offset = Number(xxHash64(address) % BigInt(size));
  const skip = Number(xxHash64(address, 1n) % BigInt(size - 1)) + 1;
  return { offset, skip, weight };
}

function countsOf(table: Uint16Array): number[] {
  const counts: number[] = [];
  for (const node of table) counts[node] = (counts[node] ?? 0) + 1;
  return counts;
}

describe("fillTable", () => {
  it("fills the table of the paper's example (table 1; dgryski/go-maglev, TestPopulate)", () => {
    const backends = [even(3, 4), even(0, 2), even(3, 1)] as const;
    expect([...fillTable(backends, 7)]).toEqual([1, 0, 1, 0, 2, 2, 0]);
    // Without the second; what was 2 is 1 now.
    expect([...fillTable([backends[0], backends[2]], 7)]).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });

  it("fills Envoy's table of six hosts (maglev_lb_test.cc, Basic)", () => {
    const ports = [90, 91, 92, 93, 94, 95];
    const hosts = ports.map((port) => envoyPreference(`127.0.0.1:${port}`, 7, 1));
    expect([...fillTable(hosts, 7)]).toEqual([2, 4, 0, 1, 5, 0, 3]);
  });

  it("fills Envoy's table of weights 1 and 2 (maglev_lb_test.cc, Weighted)", () => {
    const hosts = [envoyPreference("127.0.0.1:90", 17, 1), envoyPreference("127.0.0.1:91", 17, 2)];
    const expected = [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1];
    expect([...fillTable(hosts, 17)]).toEqual(expected);
  });

  it("gives each weight as many slots as Cilium does (TestWeightedBackendWithRemoval)", () => {
    const weights = [2, 13, 111, 10];
    const backends = weights.map((weight, i) => ({ offset: i * 77, skip: i * 13 + 1, weight }));
    expect(countsOf(fillTable(backends, 1_021))).toEqual([16, 98, 832, 75]);
  });

  it("gives nodes of equal weight equally many slots, but for one", () => {
    const preference = fc.record({
      offset: fc.integer({ min: 0, max: 250 }),
      skip: fc.integer({ min: 1, max: 250 }),
      weight: fc.constant(3),
    });
    fc.assert(
      fc.property(fc.array(preference, { minLength: 1, maxLength: 251 }), (preferences) => {
        const counts = countsOf(fillTable(preferences, 251));
        expect(counts).toHaveLength(preferences.length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("gives weights their part of the slots but for one per node, and nobody none", () => {
    const preference = fc.record({
      offset: fc.integer({ min: 0, max: 1_020 }),
      skip: fc.integer({ min: 1, max: 1_020 }),
      weight: fc.double({ min: 0.01, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(preference, { minLength: 1, maxLength: 9 }), (preferences) => {
        const counts = countsOf(fillTable(preferences, 1_021));
        const total = preferences.reduce((sum, { weight }) => sum + weight, 0);
        for (const [index, { weight }] of preferences.entries()) {
          expect(counts[index]).toBeGreaterThan(0);
          // Everybody's first turn comes early; the others pay for it together.
          const slack = preferences.length + 1;
          expect(Math.abs((counts[index] ?? 0) - (1_021 * weight) / total)).toBeLessThan(slack);
        }
      }),
    );
  });
});
