/**
 * Records and summaries: what is written is read back, what somebody else wrote harms nobody.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { decodeSummary, encodeSummary, type Summary } from "./evidence.ts";
import {
  decodeFleetRecord,
  encodeFleetRecord,
  type FleetRecord,
  type FleetState,
  MAX_DURATION_MS,
  MAX_ISOLATION_MS,
} from "./record.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const openings = fc.nat({ max: 1_000 });
const ms = fc.double({ min: 0, max: MAX_DURATION_MS, noNaN: true }).map((value) => value + 0);
const state: fc.Arbitrary<FleetState> = fc.oneof(
  fc.constantFrom({ kind: "closed" } as const, { kind: "isolated" } as const),
  fc.record({ kind: fc.constant("isolated" as const), forMs: fc.nat({ max: MAX_ISOLATION_MS }) }),
  fc.record({ kind: fc.constant("open" as const), resetMs: ms, openings }),
  fc.record({ kind: fc.constant("ramping" as const), rampMs: ms, openings }),
  fc.record({
    kind: fc.constant("probing" as const),
    token: fc.maxSafeNat(),
    leaseMs: ms,
    openings,
  }),
);
const record: fc.Arbitrary<FleetRecord> = fc.record({
  state,
  from: fc.maxSafeNat(),
  instances: fc.nat({ max: 1_000 }),
  by: fc.string({ maxLength: 60 }),
  why: fc.string({ maxLength: 60, unit: "grapheme" }),
});
const count = fc.nat();
const summary: fc.Arbitrary<Summary> = fc.record({
  tally: fc.record({ ok: count, faults: count, slow: count }),
  state: fc.constantFrom("closed", "open", "half-open", "ramping", "isolated"),
  epoch: fc.maxSafeNat(),
});

describe("a record", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(record, (written) => {
        const read = decodeFleetRecord(bytesOf(encodeFleetRecord(written)));
        expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(JSON.stringify(written)));
      }),
    );
  });

  it("is none if it is anything else, and nothing throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(decodeFleetRecord(bytesOf(text))).toBeUndefined();
        expect(decodeSummary(bytesOf(text))).toBeUndefined();
      }),
    );
  });

  it.each([
    { state: "shut" },
    { resetMs: -1 },
    { resetMs: 1e12 },
    { resetMs: "1" },
    { openings: 0.5 },
    { openings: -1 },
    { from: 2 ** 53 },
    { instances: 1e9 },
    { by: "x".repeat(300) },
    { why: "\ud800" },
    { why: 5 },
    { state: "probing" },
    { state: "ramping" },
  ])("is none with %j in it", (change) => {
    const good = { state: "open", resetMs: 1, openings: 1, from: 1, instances: 1, by: "", why: "" };
    expect(decodeFleetRecord(bytesOf(JSON.stringify(good)))).toBeDefined();
    expect(decodeFleetRecord(bytesOf(JSON.stringify({ ...good, ...change })))).toBeUndefined();
  });
});

describe("a summary", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(summary, (written) => {
        expect(decodeSummary(bytesOf(encodeSummary(written)))).toEqual(written);
      }),
    );
  });

  it.each([{ ok: -1 }, { faults: 1.5 }, { slow: 1e15 }, { state: "shut" }, { epoch: null }])(
    "is none with %j in it",
    (change) => {
      const good = { ok: 1, faults: 1, slow: 0, state: "closed", epoch: 0 };
      expect(decodeSummary(bytesOf(JSON.stringify(good)))).toBeDefined();
      expect(decodeSummary(bytesOf(JSON.stringify({ ...good, ...change })))).toBeUndefined();
    },
  );
});
