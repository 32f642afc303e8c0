/** The wire format: what goes round, and what is refused. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  type AgreementFrame,
  decodeAgreementFrame,
  encodeAgreementFrame,
} from "../agreement/agreement-frames.ts";
import { memberId } from "../member.ts";
import { decodeOrderFrame, encodeOrderFrame, type OrderFrame } from "../sequencer/order-frames.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { decodeFrame, encodeFrame, type Frame } from "./frames.ts";

const members = fc
  .tuple(fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }), fc.nat())
  .map(([node, boot]) => memberId(node, `${boot}`));
const numbers = fc.oneof(fc.nat(200), fc.maxSafeNat());
const positives = numbers.map((number) => Math.max(1, number));
const bytes = fc.uint8Array({ maxLength: 64 });
const ids = fc.array(fc.record({ member: members, n: numbers }), { maxLength: 5 });
const snapshots = fc.record({ base: numbers, committed: numbers, marks: ids, ids });
const views = fc.record({ epoch: numbers, members: fc.array(members, { maxLength: 4 }) });
const ranks = fc.record({ number: numbers, by: members });

const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc
    .record({ origin: members, seq: positives, relayed: fc.boolean(), data: bytes })
    .map(({ origin, seq, relayed, data }) => {
      return { kind: "data" as const, origin, seq, oldest: relayed ? 0 : seq, data };
    }),
  fc
    .record({ from: members, heads: fc.array(fc.tuple(members, positives), { maxLength: 5 }) })
    .map(({ from, heads }) => ({
      kind: "digest" as const,
      from,
      heads: heads.map(([member, through]) => ({ member, oldest: 1, through })),
    })),
  fc
    .record({ from: members, origin: members, first: positives, more: fc.nat(10) })
    .map(({ from, origin, first, more }) => {
      const last = Math.min(first + more, Number.MAX_SAFE_INTEGER);
      return { kind: "request" as const, from, origin, first, last };
    }),
);

const orderFrames: fc.Arbitrary<OrderFrame> = fc.oneof(
  fc.record({ kind: fc.constant("submit" as const), n: numbers, data: bytes }),
  fc.record({ kind: fc.constant("order" as const), epoch: numbers, first: numbers, ids }),
  fc.record({ kind: fc.constant("ack" as const), epoch: numbers, through: numbers }),
  fc.record({ kind: fc.constant("seal" as const), view: views }),
  fc.record({
    kind: fc.constant("sealed" as const),
    epoch: numbers,
    accepted: numbers,
    snapshot: snapshots,
    seen: ids,
    views: fc.array(views, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("start" as const), view: views, snapshot: snapshots }),
);

const proposals = fc.record({ member: members, n: numbers, number: numbers });
const items = fc.record({
  member: members,
  n: numbers,
  rank: ranks,
  isFinal: fc.boolean(),
  data: bytes,
});
const agreementFrames: fc.Arbitrary<AgreementFrame> = fc.oneof(
  fc.record({
    kind: fc.constant("data" as const),
    view: numbers,
    n: numbers,
    number: numbers,
    data: bytes,
  }),
  fc.record({
    kind: fc.constant("propose" as const),
    view: numbers,
    proposals: fc.array(proposals),
  }),
  fc.record({
    kind: fc.constant("final" as const),
    view: numbers,
    ranks: fc.array(fc.record({ n: numbers, rank: ranks })),
  }),
  fc.record({ kind: fc.constant("item" as const), view: numbers, item: items }),
  fc.record({
    kind: fc.constant("flushed" as const),
    view: numbers,
    members: fc.array(members),
    clock: numbers,
    installed: numbers,
  }),
);

describe("frames", () => {
  it("go round", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeFrame(encodeFrame(frame), 64)).toEqual(frame);
      }),
    );
    fc.assert(
      fc.property(orderFrames, (frame) => {
        expect(decodeOrderFrame(encodeOrderFrame(frame))).toEqual(frame);
      }),
    );
    fc.assert(
      fc.property(agreementFrames, (frame) => {
        expect(decodeAgreementFrame(encodeAgreementFrame(frame))).toEqual(frame);
      }),
    );
  });

  it("never throw, whatever comes in, and are refused when cut short", () => {
    const noise = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(noise, fc.integer({ min: 0, max: 6 }), (rest, kind) => {
        const input = Uint8Array.from([1, kind, ...rest]);
        decodeFrame(input, 100);
        decodeOrderFrame(input.subarray(1));
        decodeAgreementFrame(input.subarray(1));
      }),
      { numRuns: 2_000 },
    );
    const frame: Frame = { kind: "request", from: "a#1", origin: "b#1", first: 1, last: 300 };
    const whole = encodeFrame(frame);
    for (let length = 0; length < whole.byteLength; length++) {
      expect(decodeFrame(whole.subarray(0, length), 64)).toBeUndefined();
    }
    expect(decodeFrame(Uint8Array.from([...whole, 0]), 64)).toBeUndefined();
  });

  it("are refused with a message over the bound, another version, or names that are none", () => {
    const data: Frame = {
      kind: "data",
      origin: "a#1",
      seq: 1,
      oldest: 1,
      data: new Uint8Array(65),
    };
    expect(decodeFrame(encodeFrame(data), 64)).toBeUndefined();
    expect(decodeFrame(encodeFrame(data), 65)).toEqual(data);
    expect(decodeFrame(encodeFrame(data).with(0, 2), 65)).toBeUndefined();
    expect(decodeFrame(encodeFrame({ ...data, origin: "nobody" }), 65)).toBeUndefined();
    expect(decodeFrame(encodeFrame({ ...data, seq: 0, oldest: 0 }), 65)).toBeUndefined();
    expect(decodeFrame(encodeFrame({ ...data, oldest: 2 }), 65)).toBeUndefined();
  });

  it("are small: a message costs some 20 bytes besides itself", () => {
    const origin = "db-1#ukij689d23o720bt00000002";
    const frame: Frame = {
      kind: "data",
      origin,
      seq: 70_000,
      oldest: 69_000,
      data: new Uint8Array(),
    };
    expect(encodeFrame(frame).byteLength).toBe(2 + 1 + origin.length + 3 + 3);
  });
});

describe("bytes", () => {
  it("have one form for each number, and refuse the others", () => {
    fc.assert(
      fc.property(numbers, (number) => {
        const reader = new ByteReader(new ByteWriter().number(number).finish());
        expect(reader.number()).toBe(number);
        expect(reader.isWhole).toBe(true);
      }),
    );
    for (const wrong of [[0x80, 0], [0x80], [255, 255, 255, 255, 255, 255, 255, 255, 1]]) {
      const reader = new ByteReader(Uint8Array.from(wrong));
      reader.number();
      expect(reader.isWhole).toBe(false);
    }
  });

  it("do not allocate for a list that claims to be longer than its bytes", () => {
    const reader = new ByteReader(new ByteWriter().number(1_000_000).finish());
    expect(reader.list(2_000_000, () => reader.byte())).toEqual([]);
    expect(reader.isWhole).toBe(false);
  });

  it("refuse broken UTF-8", () => {
    const reader = new ByteReader(Uint8Array.from([2, 0xc3, 0x28]));
    expect(reader.string(10)).toBe("");
    expect(reader.isWhole).toBe(false);
  });
});
