import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endRevision, parseTimeUs, Positions } from "./positions.ts";

const BIRTH_US = 1_795_000_000_000_000;

function seen(birthUs: number, lastSeq: number): Positions {
  const positions = new Positions();
  positions.observeStream(birthUs, lastSeq, positions.mark());
  return positions;
}

describe("revisions", () => {
  it("are birth plus twice the sequence", () => {
    const positions = seen(BIRTH_US, 10);
    expect(positions.revisionOf(7)).toBe(BIRTH_US + 14);
    expect(Number.isSafeInteger(positions.revisionOf(2 ** 40))).toBe(true);
  });

  it("have room for an end between any two writes", () => {
    const positions = seen(BIRTH_US, 10);
    fc.assert(
      fc.property(fc.nat(1_000_000), (seq) => {
        const end = endRevision(positions.revisionOf(seq));
        expect(end).toBeGreaterThan(positions.revisionOf(seq));
        expect(end).toBeLessThan(positions.revisionOf(seq + 1));
      }),
    );
  });

  it("go on above the old ones in a stream made anew", () => {
    const positions = seen(BIRTH_US, 1_000);
    const last = positions.revisionOf(1_000);
    const mark = positions.mark();
    expect(positions.observeStream(BIRTH_US + 1_000_000, 0, mark)).toEqual({ kind: "new" });
    expect(positions.revisionOf(1)).toBeGreaterThan(last);
  });

  it("that go back with a new stream are told", () => {
    const positions = seen(BIRTH_US, 1_000);
    const found = positions.observeStream(BIRTH_US - 60_000_000, 0, positions.mark());
    expect(found).toMatchObject({ kind: "rewound", seen: BIRTH_US + 2_000 });
  });

  it("are not called rewound by a leader that still catches up", () => {
    const positions = seen(BIRTH_US, 1_000);
    expect(positions.observeStream(BIRTH_US, 900, positions.mark())).toEqual({ kind: "same" });
    expect(positions.mark().highestSeq).toBe(1_000);
  });

  it("given a second time in the same stream are behind; in another they are not", () => {
    const positions = seen(BIRTH_US, 1_000);
    const mark = positions.mark();
    expect(positions.isBehind(1_001, mark)).toBe(false);
    expect(positions.isBehind(1_000, mark)).toBe(true);
    positions.observeStream(BIRTH_US + 5_000_000, 3, mark);
    expect(positions.isBehind(4, mark)).toBe(false);
  });
});

describe("times of servers", () => {
  it("are read to the microsecond, with any number of digits", () => {
    expect(parseTimeUs("2026-11-21T10:19:57.123456789Z")).toBe(
      Date.UTC(2026, 10, 21, 10, 19, 57) * 1_000 + 123_456,
    );
    expect(parseTimeUs("1970-01-01T00:00:01Z")).toBe(1_000_000);
    expect(parseTimeUs("1970-01-01T00:00:01.5Z")).toBe(1_500_000);
    expect(parseTimeUs("1970-01-01T01:00:00+01:00")).toBe(0);
  });

  it.each(["", "yesterday", "2026-11-21", "2026-13-41T99:99:99Z", "2026-11-21T10:19:57.Z"])(
    "like %j are none",
    (text) => expect(parseTimeUs(text)).toBeUndefined(),
  );
});
