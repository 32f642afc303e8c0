import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isQuorateError } from "../errors/quorate-error.ts";
import {
  checkHeaders,
  checkPublish,
  checkRequest,
  checkResponse,
  checkSubscribe,
  MAX_HEADER_VALUE_BYTES,
  MAX_HEADERS,
  readHeaders,
} from "./bus-requests.ts";
import type { RequestBounds } from "./requests.ts";

const bounds: RequestBounds = {
  minTtlMs: 10,
  maxValueBytes: 100,
  requestTimeoutMs: 5_000,
  newOperationId: () => "fresh",
};
const data = new Uint8Array([1, 2, 3]);
const handler = (): void => {};

const bad: Record<string, { call: (value: never) => unknown; values: readonly unknown[] }> = {
  "subject of a publication": {
    call: (subject) => checkPublish(subject, data, {}, bounds),
    values: ["", "a/", "a//b", 5, null],
  },
  "data of a publication": {
    call: (value) => checkPublish("s", value, {}, bounds),
    values: ["text", null, undefined, [1], new ArrayBuffer(1)],
  },
  "headers of a publication": {
    call: (headers) => checkPublish("s", data, { headers }, bounds),
    values: [5, null, { Upper: "x" }, { "": "x" }, { "a b": "x" }, { ["x".repeat(65)]: "x" }],
  },
  "headers.a of a publication": {
    call: (value) => checkPublish("s", data, { headers: { a: value } }, bounds),
    values: [5, null, undefined, "a\nb", "\u0000", "\ud800"],
  },
  "signal of a publication": {
    call: (signal) => checkPublish("s", data, { signal }, bounds),
    values: [{}, "s"],
  },
  "data of a response": {
    call: (value) => checkResponse(value, {}, bounds),
    values: ["text", null],
  },
  "options of a request": {
    call: (options) => checkRequest("s", data, options, bounds),
    values: [null, undefined, 5],
  },
  "timeoutMs of a request": {
    call: (timeoutMs) => checkRequest("s", data, { timeoutMs }, bounds),
    values: [undefined, 0, -1, Number.NaN, Infinity, "5", null],
  },
  "target of a subscription": {
    call: (target) => checkSubscribe(target, handler, {}, bounds),
    values: ["/", "a//", "//", 5, null],
  },
  "handler of a subscription": {
    call: (value) => checkSubscribe("s", value, {}, bounds),
    values: [undefined, null, {}, "f"],
  },
  "queue of a subscription": {
    call: (queue) => checkSubscribe("s", handler, { queue }, bounds),
    values: ["", "a/b", 5, null],
  },
};

describe.each(Object.entries(bad))("%s", (what, { call, values }) => {
  const option = what.split(" ")[0];

  it.each(values.map((value) => [value]))("cannot be %j", (value) => {
    try {
      call(value as never);
    } catch (error) {
      if (!isQuorateError(error, "INVALID_ARGUMENT")) throw error;
      expect(error.effect).toBe("none");
      expect(error.details.option).toBe(option);
      return;
    }
    expect.unreachable("it was taken");
  });
});

describe("a publication", () => {
  it("is a copy: neither the publisher's buffer nor its headers are shared", () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const headers = { trace: "t1" };
    const checked = checkPublish("a/b", bytes, { headers }, bounds);
    bytes[0] = 9;
    headers.trace = "t2";
    expect(checked).toEqual({ subject: "a/b", data, headers: { trace: "t1" }, signal: undefined });
    expect(Object.getPrototypeOf(checked.headers)).toBeNull();
    expect(Object.getPrototypeOf(checkPublish("s", data, undefined, bounds).headers)).toBeNull();
  });

  it("is bounded in bytes, in headers, and in the bytes of each, and tells the numbers", () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`h${index}`, "x"]));
    const long = { a: "é".repeat(513) };
    const tooLarge = [
      [() => checkPublish("s", new Uint8Array(101), {}, bounds), "data", 101, 100],
      [() => checkPublish("s", data, { headers: many }, bounds), "headers", 33, MAX_HEADERS],
      [() => checkHeaders(long), "headers.a", 1_026, MAX_HEADER_VALUE_BYTES],
    ] as const;
    for (const [call, option, size, limit] of tooLarge) {
      try {
        call();
        expect.unreachable("it was taken");
      } catch (error) {
        if (!isQuorateError(error, "TOO_LARGE")) throw error;
        expect(error.details).toEqual({ option, size, limit });
      }
    }
  });

  it("never shows a header's value in an error: it may be a credential", () => {
    expect(() => checkHeaders({ authorization: "Bearer hunter2\n" })).toThrow(/^(?!.*hunter2)/);
  });

  it("takes no header for a special one", () => {
    const headers = JSON.parse('{"constructor":"x"}') as Record<string, string>;
    expect(checkHeaders(headers)["constructor"]).toBe("x");
    expect(() => checkHeaders(JSON.parse('{"__proto__":"x"}') as never)).toThrow("headers");
  });
});

describe("a subscription", () => {
  it("takes a subject or a prefix, and a queue of one segment", () => {
    for (const target of ["", "a/", "a/b"]) {
      expect(checkSubscribe(target, handler, { queue: "workers" }, bounds)).toEqual({
        target,
        handler,
        queue: "workers",
        signal: undefined,
      });
    }
  });
});

describe("readHeaders", () => {
  it("reads back what checkHeaders lets out", () => {
    const name = fc.stringMatching(/^[a-z0-9-]{1,64}$/);
    const value = fc.string({ unit: "grapheme", maxLength: 100 });
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: MAX_HEADERS }), (headers) => {
        const sent = checkHeaders(headers);
        expect(readHeaders(Object.entries(sent))).toEqual(sent);
      }),
    );
  });

  it("leaves out what is not ours, keeps the first of a repeated name, and never throws", () => {
    const pairs: [string, unknown][] = [
      ["Upper", "x"],
      ["a", "first"],
      ["a", "second"],
      ["b", 5],
      ["c", "line\nbreak"],
      ["d", "x".repeat(1_025)],
      ["e", "\ud800"],
      ["constructor", "plain"],
    ];
    expect({ ...readHeaders(pairs) }).toEqual({ a: "first", constructor: "plain" });
    const flood = Array.from({ length: 10_000 }, (_, index) => [`h${index}`, "x"] as const);
    expect(Object.keys(readHeaders(flood))).toHaveLength(MAX_HEADERS);
  });
});
