import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Ballot, readBallot, writeBallot } from "./ballot.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const LONGEST = '"'.repeat(128);

const id = fc.constantFrom("a", "Ö", LONGEST, "__proto__", "constructor");
const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const epoch = fc.option(count, { nil: undefined });
const token = fc.record({
  kind: fc.constantFrom("candidacy" as const, "elected" as const),
  member: id,
  hops: count,
  seq: count,
  epoch,
});
const plain = fc.constantFrom(
  "election" as const,
  "ok" as const,
  "resign" as const,
  "here" as const,
);
const ballot: fc.Arbitrary<Ballot> = fc.oneof(
  plain.map((kind) => ({ kind })),
  fc.record({ kind: fc.constant("coordinator" as const), epoch }),
  fc.record({ kind: fc.constant("ack" as const), seq: count }),
  token,
);

describe("a ballot", () => {
  it("is read as it was written, whatever the ids", () => {
    fc.assert(
      fc.property(id, ballot, (from, sent) => {
        const envelope = { from, life: "0198-abc", ballot: sent };
        expect(readBallot(writeBallot(envelope))).toEqual({ ok: true, envelope });
      }),
    );
  });

  it("of anybody else's making is a reason, never an exception", () => {
    const foreign = fc.oneof(fc.uint8Array({ maxLength: 2_000 }), fc.json().map(bytes));
    fc.assert(fc.property(foreign, (data) => void expect(readBallot(data).ok).toBe(false)));
  });

  it.each([
    ["another version", '{"v":2,"kind":"ok","from":"a","life":"1"}'],
    ["no sender", '{"v":1,"kind":"ok","from":"","life":"1"}'],
    ["no sender", `{"v":1,"kind":"ok","from":"${"x".repeat(129)}","life":"1"}`],
    ["no sender", '{"v":1,"kind":"ok","from":"a","life":"A\\n"}'],
    ["no sender", `{"v":1,"kind":"ok","from":"a","life":"${"x".repeat(65)}"}`],
    ["not a ballot", '{"v":1,"kind":"toString","from":"a","life":"1"}'],
    ["not a ballot", '{"v":1,"kind":"coordinator","from":"a","life":"1","epoch":-1}'],
    ["not a ballot", '{"v":1,"kind":"coordinator","from":"a","life":"1","epoch":"7"}'],
    ["not a ballot", '{"v":1,"kind":"ack","from":"a","life":"1","seq":1.5}'],
    ["not a ballot", '{"v":1,"kind":"candidacy","from":"a","life":"1","member":"b","seq":1}'],
    ["not an object", "[1]"],
    ["nested deeper", '{"v":1,"kind":"ok","from":"a","life":"1","x":{"y":[]}}'],
    ["bytes", `{"v":1,"kind":"ok","from":"a","life":"1","x":"${"x".repeat(1_024)}"}`],
  ])("is refused as %s", (reason, text) => {
    const read = readBallot(bytes(text));
    expect(read).toMatchObject({ ok: false });
    expect(read.ok ? "" : read.reason).toContain(reason);
  });

  it("pollutes no prototype", () => {
    const text = '{"v":1,"kind":"ok","from":"a","life":"1","__proto__":1}';
    expect(readBallot(bytes(text)).ok).toBe(true);
    expect(({} as { v?: number }).v).toBeUndefined();
  });
});
