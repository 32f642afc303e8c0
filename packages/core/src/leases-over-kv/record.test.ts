import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isQuorateError } from "../index.ts";
import { decodeRecord, encodeRecord, FREE, type LeaseRecord, withTokens } from "./record.ts";

const count = fc.integer({ min: 0, max: 2 ** 40 });
const claim = {
  owner: fc
    .string({ unit: "binary", minLength: 1, maxLength: 40 })
    .filter((text) => text.isWellFormed()),
  process: fc.string({ minLength: 1, maxLength: 24 }),
  weight: count,
  capacity: count,
  ttlMs: count,
  fair: fc.boolean(),
  data: fc.option(
    fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
    { nil: undefined },
  ),
};
const token = fc.integer({ min: 1, max: 2 ** 52 });
const holder = fc.record({ ...claim, token, beat: count, idleMs: count, confirmed: fc.boolean() });
const waiter = fc.record({ ...claim, asked: count, skipped: fc.boolean() });
const byOwner = <T extends { owner: string }>(list: T[]) =>
  new Map(list.map((one) => [one.owner, one]));
const record: fc.Arbitrary<LeaseRecord> = fc.record({
  last: token,
  rolls: count,
  expired: fc.array(token, { maxLength: 8 }),
  holders: fc.array(holder, { maxLength: 5 }).map(byOwner),
  line: fc.array(waiter, { maxLength: 5 }).map(byOwner),
});

const entryOf = (value: string | Uint8Array, createdRevision = 500) => ({
  key: "leases/job",
  value: typeof value === "string" ? Buffer.from(value) : value,
  revision: 999,
  createdRevision,
  operationId: "op",
});

describe("a lease record", () => {
  it("reads back what was written, whatever the names and data are", () => {
    fc.assert(
      fc.property(record, (written) => {
        const read = decodeRecord(entryOf(encodeRecord(written, (one) => one.idleMs)));
        expect(read).toEqual(written);
        expect([...read.line.keys()]).toEqual([...written.line.keys()]);
      }),
    );
  });

  it("fills in tokens from the revision that created it, above everything before", () => {
    const one = { owner: "a", process: "p", weight: 1, capacity: 9, ttlMs: 1, fair: true };
    const fresh = { ...one, data: undefined, token: 0, beat: 0, idleMs: 0, confirmed: true };
    const holders = byOwner([
      { ...fresh, owner: "old", token: 40 },
      fresh,
      { ...fresh, owner: "b" },
    ]);
    const draft = { ...FREE, last: 70, holders };
    const tokens = (revision: number) =>
      [
        ...decodeRecord(
          entryOf(
            encodeRecord(draft, () => 0),
            revision,
          ),
        ).holders.values(),
      ].map(({ token }) => token);
    expect(tokens(500)).toEqual([40, 500, 501]);
    expect(tokens(60)).toEqual([40, 71, 72]);
    expect(withTokens(draft, 500).last).toBe(501);
    expect(withTokens(withTokens(draft, 500), 900)).toEqual(withTokens(draft, 500));
  });

  it.each([
    ["text", "hello"],
    [
      "another version",
      JSON.stringify({
        lease: 2,
        last: 0,
        rolls: 0,
        expired: [],
        processes: [],
        holders: [],
        line: [],
      }),
    ],
    ["an array", "[]"],
    ["null", "null"],
    [
      "a holder that is not a list",
      JSON.stringify({
        lease: 1,
        last: 0,
        rolls: 0,
        expired: [],
        processes: [],
        holders: [{}],
        line: [],
      }),
    ],
    [
      "a process that is not listed",
      JSON.stringify({
        lease: 1,
        last: 0,
        rolls: 0,
        expired: [],
        processes: [],
        holders: [],
        line: [["a", 0, 1, 1, 1, 0, 0]],
      }),
    ],
    [
      "a negative token",
      JSON.stringify({
        lease: 1,
        last: 0,
        rolls: 0,
        expired: [],
        processes: ["p"],
        holders: [["a", 0, 1, 1, 1, 0, -1, 0, 0]],
        line: [],
      }),
    ],
    ["a depth bomb", "[".repeat(100_000)],
    [
      "a number as data",
      JSON.stringify({
        lease: 1,
        last: 0,
        rolls: 0,
        expired: [],
        processes: ["p"],
        holders: [["a", 0, 1, 1, 1, 0, 1, 0, 0, 7]],
        line: [],
      }),
    ],
  ])("refuses %s and names the key", (_, value) => {
    const read = (): unknown => decodeRecord(entryOf(value));
    expect(read).toThrow("leases/job");
    try {
      read();
    } catch (error) {
      expect(isQuorateError(error, "RECORD_INVALID") && error.effect).toBe("none");
    }
  });

  it("never throws anything but RECORD_INVALID over what others wrote", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.uint8Array()), (value) => {
        try {
          decodeRecord(entryOf(value));
        } catch (error) {
          expect(isQuorateError(error, "RECORD_INVALID")).toBe(true);
          return;
        }
        expect(value).toContain("lease");
      }),
    );
  });
});
