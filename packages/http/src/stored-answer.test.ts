import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { jsonCodec } from "@quorate/idempotency";
import type { Answer } from "./answer.ts";
import { headersToStore, keptHeaders } from "./header-policy.ts";
import { decodeAnswer, encodeAnswer, encodeUnkept } from "./stored-answer.ts";

const kept = keptHeaders("replayHeaders", ["X-Request-Cost"]);

/** As a store gives it back. */
function throughStore(value: unknown): unknown {
  return jsonCodec.decode(jsonCodec.encode(value));
}

function roundTrip(answer: Answer): Answer {
  const stored = decodeAnswer(throughStore(encodeAnswer(answer, kept)));
  if (stored?.kind !== "answer") throw new Error(`not an answer: ${JSON.stringify(stored)}`);
  return stored.answer;
}

const answerOf = (body: Uint8Array): Answer => ({ status: 200, headers: [], body });

describe("a stored answer", () => {
  it("comes out with the bytes that went in, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(Buffer.compare(roundTrip(answerOf(bytes)).body, bytes)).toBe(0);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const bytes = Buffer.from(text);
        expect(Buffer.compare(roundTrip(answerOf(bytes)).body, bytes)).toBe(0);
      }),
    );
  });

  it.each(["", "\uFEFF{}", "a\u0000b", "é", "e\u0301", "\u2028", "😀", "\r\n\t", "\\\"'"])(
    "keeps the text %j to the byte",
    (text) => {
      expect(Buffer.from(roundTrip(answerOf(Buffer.from(text))).body).toString()).toBe(text);
    },
  );

  it("is text where it can be read, and never much longer than its body", () => {
    expect(encodeAnswer(answerOf(Buffer.from('{"a":1}')), kept)).toMatchObject({ text: '{"a":1}' });
    for (const byte of [0, 0x22, 0x41, 0x7f, 0xff]) {
      const body = new Uint8Array(10_000).fill(byte);
      expect(jsonCodec.encode(encodeAnswer(answerOf(body), kept)).length).toBeLessThan(20_100);
    }
  });

  it("is a view's bytes, not its buffer's", () => {
    const view = new Uint8Array(Buffer.from("before-body-after")).subarray(7, 11);
    expect(Buffer.from(roundTrip(answerOf(view)).body).toString()).toBe("body");
  });

  it("has the listed headers alone, in order, each line for itself", () => {
    const headers: Answer["headers"] = [
      ["content-type", "text/plain"],
      ["Link", "<a>"],
      ["link", "<b>"],
      ["x-request-cost", "7"],
      ["set-cookie", "session=1"],
      ["date", "today"],
      ["connection", "close"],
      ["transfer-encoding", "chunked"],
      ["content-length", "3"],
      ["authorization", "secret"],
      ["x-other", "1"],
    ];
    expect(roundTrip({ ...answerOf(Buffer.from("abc")), headers }).headers).toEqual([
      ["content-type", "text/plain"],
      ["link", "<a>"],
      ["link", "<b>"],
      ["x-request-cost", "7"],
    ]);
  });

  it("leaves out a value that could not be sent again", () => {
    const odd = [
      ["etag", "a\r\nset-cookie: b"],
      ["location", "\u20ac"],
      ["link", "x".repeat(9_000)],
      ["vary", "tab\tand \u00e9"],
    ] as const;
    expect(headersToStore(odd, kept)).toEqual([["vary", "tab\tand \u00e9"]]);
  });

  it("may be the word that there was one", () => {
    expect(decodeAnswer(throughStore(encodeUnkept(201)))).toEqual({ kind: "unkept", status: 201 });
  });
});

describe("what a store gives back", () => {
  const good = { v: 1, status: 200, headers: [["etag", "x"]], text: "a" };

  it("is an answer where it is one of ours", () => {
    expect(decodeAnswer(good)?.kind).toBe("answer");
  });

  it.each<readonly [string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a list", [good]],
    ["text", JSON.stringify(good)],
    ["another version", { ...good, v: 2 }],
    ["a status of no answer", { ...good, status: 101 }],
    ["a status beyond all", { ...good, status: 600 }],
    ["a status that is no number", { ...good, status: "200" }],
    ["half a status", { ...good, status: 200.5 }],
    ["headers that are no list", { ...good, headers: { etag: "x" } }],
    ["a header without a value", { ...good, headers: [["etag"]] }],
    ["a header that ends its line", { ...good, headers: [["etag", "x\r\nset-cookie: a=b"]] }],
    ["a header that ends the head", { ...good, headers: [["etag", "x\n\n<script>"]] }],
    ["a name that ends its line", { ...good, headers: [["etag: x\r\nset-cookie", "a"]] }],
    ["a name in capitals", { ...good, headers: [["ETag", "x"]] }],
    ["a cookie", { ...good, headers: [["set-cookie", "a=b"]] }],
    ["a header of the connection", { ...good, headers: [["transfer-encoding", "chunked"]] }],
    ["a length", { ...good, headers: [["content-length", "0"]] }],
    ["a value beyond Latin-1", { ...good, headers: [["etag", "\u20ac"]] }],
    ["too many headers", { ...good, headers: Array.from({ length: 65 }, () => ["etag", "x"]) }],
    ["a body that is no text", { ...good, text: 7 }],
    ["two bodies", { ...good, base64: "YQ==" }],
    ["no base64", { ...good, text: undefined, base64: "a!" }],
  ])("is refused where it is %s", (_what, value) => {
    expect(decodeAnswer(value)).toBeUndefined();
  });

  it("never throws, whatever it is", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => {
        expect(decodeAnswer(value)).toBeUndefined();
      }),
    );
    const fields = fc.record(
      {
        v: fc.constant(1),
        status: fc.anything(),
        headers: fc.anything(),
        text: fc.anything(),
        base64: fc.anything(),
      },
      { requiredKeys: ["v"] },
    );
    fc.assert(fc.property(fields, (value) => void decodeAnswer(value)));
  });
});

describe("headers to replay", () => {
  it.each(["set-cookie", "Date", "Connection", "transfer-encoding", "retry-after", "a b", "", 7])(
    "cannot be asked for: %s",
    (name) => {
      expect(() => keptHeaders("replayHeaders", [name as string])).toThrow(/replayHeaders/);
    },
  );
});
