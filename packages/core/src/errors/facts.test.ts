import { describe, expect, it } from "vitest";

import { effectOf, retryAfterMsOf } from "./facts.ts";
import { QuorateError } from "./quorate-error.ts";
import { refuse } from "./refuse.ts";

const coded = (code: string) => Object.assign(new Error("low"), { code });

describe("effectOf", () => {
  it("takes our own errors at their word", () => {
    const details = { operation: "put", timeoutMs: 5 };
    const error = new QuorateError("TIMEOUT", "late", { effect: "unknown", details });
    expect(effectOf(error)).toBe("unknown");
    expect(effectOf(refuse("sold-out"))).toBe("none");
  });

  it("knows the calls that never left this machine, also as a cause", () => {
    expect(effectOf(coded("ECONNREFUSED"))).toBe("none");
    expect(effectOf(new TypeError("fetch failed", { cause: coded("ENOTFOUND") }))).toBe("none");
  });

  it("claims nothing of a connection that broke on the way", () => {
    expect(effectOf(coded("ECONNRESET"))).toBeUndefined();
  });

  it("survives whatever was thrown", () => {
    const loop = new Error("loop");
    loop.cause = loop;
    const hostile = new Proxy({}, { get: () => expect.fail("thrown by a getter") });
    for (const thrown of [undefined, null, 7, "text", loop, hostile, { effect: "maybe" }]) {
      expect(effectOf(thrown)).toBeUndefined();
      expect(retryAfterMsOf(thrown)).toBeUndefined();
    }
  });
});

describe("retryAfterMsOf", () => {
  it("reads the error, then its details", () => {
    expect(retryAfterMsOf({ retryAfterMs: 20 })).toBe(20);
    expect(retryAfterMsOf({ details: { retryAfterMs: 30 } })).toBe(30);
  });

  it("ignores what is not a delay", () => {
    for (const retryAfterMs of [-1, NaN, "5"]) {
      expect(retryAfterMsOf({ retryAfterMs })).toBeUndefined();
    }
  });
});

describe("refuse", () => {
  it("is final and had no effect", () => {
    const error = refuse("declined", { by: "issuer" });
    expect(error).toMatchObject({ code: "REFUSED", effect: "none", retryable: false });
    expect(error.details).toEqual({ reason: "declined", data: { by: "issuer" } });
    expect(refuse("declined").details).not.toHaveProperty("data");
  });
});
