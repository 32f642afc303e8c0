import { describe, expect, it } from "vitest";

import { doneOrThrow, outcomeOfError, outcomeOfResponse } from "./http-outcome.ts";

const answer = (status: number, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers(headers),
});

describe("an HTTP answer", () => {
  it.each([200, 201, 202, 204, 206])("%i says that it happened", (status) => {
    expect(outcomeOfResponse(answer(status))).toEqual({ outcome: "done" });
  });

  it.each([400, 404, 409, 410, 412, 422])("%i is a definite no", (status) => {
    expect(outcomeOfResponse(answer(status))).toEqual({
      outcome: "refused",
      reason: `http-${status}`,
    });
  });

  it.each([100, 301, 304, 401, 403, 408, 425, 429, 500, 502, 503, 504, 599])(
    "%i leaves it open",
    (status) => {
      expect(outcomeOfResponse(answer(status)).outcome).toBe("unknown");
    },
  );

  it("409 with Retry-After is a key whose first call is still at work", () => {
    expect(outcomeOfResponse(answer(409, { "retry-after": "2" }))).toEqual({
      outcome: "unknown",
      reason: "http-409",
      retryAfterMs: 2_000,
    });
  });

  it("without headers is read all the same; without a status it is none", () => {
    expect(outcomeOfResponse({ status: 409 }).outcome).toBe("refused");
    expect(() => outcomeOfResponse({} as never)).toThrow(/INVALID_ARGUMENT: answer\.status/);
  });

  it("becomes what a step must throw", () => {
    const good = answer(201);
    expect(doneOrThrow(good)).toBe(good);
    expect(() => doneOrThrow(answer(422))).toThrow(/REFUSED/);
    try {
      doneOrThrow(answer(503));
      expect.fail("it was no success");
    } catch (error) {
      expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown", retryable: true });
    }
  });
});

describe("a call without an answer", () => {
  it("was not sent where nobody listened", () => {
    const cause = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    expect(outcomeOfError(new TypeError("fetch failed", { cause })).outcome).toBe("not-sent");
  });

  it.each(["ECONNRESET", "ETIMEDOUT", "EPIPE"])("is unknown after %s", (code) => {
    expect(outcomeOfError(Object.assign(new Error("x"), { code })).outcome).toBe("unknown");
  });

  it("is unknown after an abort, and whatever else was thrown", () => {
    expect(outcomeOfError(new DOMException("aborted", "AbortError")).outcome).toBe("unknown");
    expect(outcomeOfError(undefined).outcome).toBe("unknown");
  });
});
