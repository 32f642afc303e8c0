import type { Entry } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeRecord,
  encodeAnswer,
  encodeInFlight,
  encodeReleased,
  leaseLeftOf,
  type RunHead,
} from "./record.ts";

const entryOf = (text: string | Uint8Array, expiresInMs?: number): Entry => ({
  key: "idempotency/x",
  value: typeof text === "string" ? Buffer.from(text) : text,
  revision: 9,
  createdRevision: 9,
  operationId: "op",
  ...(expiresInMs === undefined ? {} : { expiresInMs }),
});

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 });
const headOf: fc.Arbitrary<RunHead> = fc.record({
  key: text,
  scope: fc.option(text, { nil: undefined }),
  fingerprint: fc.constantFrom("", "aB-_9"),
  owner: fc.constantFrom("0a", "zz9"),
  attempt: fc.integer({ min: 1, max: 1_000 }),
});

describe("a record", () => {
  it("says again what was put into it, whatever is in key, scope and answer", () => {
    const token = fc.option(fc.integer({ min: 1 }), { nil: undefined });
    fc.assert(
      fc.property(headOf, token, fc.string({ unit: "grapheme" }), (head, fencingToken, body) => {
        const running = decodeRecord(entryOf(encodeInFlight(head, fencingToken, 7)), "k");
        expect(running).toEqual({ state: "in-flight", ...head, fencingToken, graceMs: 7 });
        const released = decodeRecord(entryOf(encodeReleased(head, 5)), "k");
        expect(released).toEqual({ state: "released", ...head, fencingToken: 5 });
        const answer = { state: "completed", text: body, atMs: 1.5 } as const;
        const answered = decodeRecord(entryOf(encodeAnswer(head, 5, answer)), "k");
        expect(answered).toEqual({ ...head, fencingToken: 5, ...answer });
      }),
    );
  });

  it("has its lease judged by what is left of its retention", () => {
    const head = { key: "k", scope: undefined, fingerprint: "", owner: "o", attempt: 1 };
    const record = decodeRecord(entryOf(encodeInFlight(head, undefined, 1_000)), "k");
    expect(leaseLeftOf(entryOf("", 3_000), record)).toBe(2_000);
    expect(leaseLeftOf(entryOf("", 1_000), record)).toBe(0);
    expect(leaseLeftOf(entryOf(""), record)).toBe(Infinity);
    const released = decodeRecord(entryOf(encodeReleased(head, 5)), "k");
    expect(leaseLeftOf(entryOf("", 3_000), released)).toBe(0);
  });

  it("fits beside the largest answer, whatever its key and scope are", () => {
    const worst = "\u0001".repeat(1_024);
    const head = { key: worst, scope: worst, fingerprint: "f".repeat(43), owner: "o", attempt: 9 };
    expect(Buffer.byteLength(encodeInFlight(head, 2 ** 52, 3_155_760_000_000))).toBeLessThan(
      16_384,
    );
  });

  it.each([
    ["nothing", ""],
    ["no head", "hello"],
    ["a head that is no JSON", "{\n1"],
    ["an array", "[]\n1"],
    ["another version", '{"v":2,"state":"completed"}\n1'],
    ["no such state", '{"v":1,"state":"done","key":"k","owner":"o","attempt":1}\n1'],
    ["a state of Object's", '{"v":1,"state":"constructor","key":"k","owner":"o","attempt":1}\n'],
    ["a key that is no string", '{"v":1,"state":"released","key":1,"owner":"o","attempt":1}\n'],
    ["no owner", '{"v":1,"state":"released","key":"k","attempt":1}\n'],
    ["no attempt", '{"v":1,"state":"released","key":"k","owner":"o"}\n'],
    [
      "a token that is none",
      '{"v":1,"state":"released","key":"k","owner":"o","attempt":1,"token":0}\n',
    ],
    ["no grace", '{"v":1,"state":"in-flight","key":"k","owner":"o","attempt":1}\n'],
    ["no time", '{"v":1,"state":"completed","key":"k","owner":"o","attempt":1}\n1'],
    ["a deep head", `{"v":1,"state":{"a":${"[".repeat(9)}${"]".repeat(9)}}}\n`],
    ["a long head", `{"v":1,"state":"released","key":"${"x".repeat(20_000)}"}\n`],
  ])("is refused and left alone where it has %s", (_what, stored) => {
    expect(() => decodeRecord(entryOf(stored), "order-7")).toThrow("RECORD_INVALID");
    expect(() => decodeRecord(entryOf(stored), "order-7")).toThrow('"order-7"');
  });

  it("never makes anything but RECORD_INVALID of arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decodeRecord(entryOf(bytes), "k")).toThrow("RECORD_INVALID");
      }),
    );
  });
});
