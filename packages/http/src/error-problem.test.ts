/**
 * What clients are told of errors.
 */
import { QuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { errorProblem } from "./index.ts";

const locked = new QuorateError("LOCK_TIMEOUT", "lock/secret-tenant is taken", {
  effect: "none",
  details: { key: "secret-tenant", waitMs: 5, holders: 1 },
});

describe("errorProblem", () => {
  it("tells code and effect, and nothing of message and details", () => {
    const problem = errorProblem(locked);
    expect(problem?.status).toBe(409);
    expect(problem?.headers).toEqual({
      "content-type": "application/problem+json",
      "content-language": "en",
      "retry-after": "1",
    });
    expect(JSON.parse(problem?.body ?? "")).toEqual({
      type: "urn:quorate:error:lock-timeout",
      title: "Somebody else is at work on this",
      status: 409,
      detail: "The request had no effect.",
      code: "LOCK_TIMEOUT",
      effect: "none",
    });
  });

  it("says when to come back where the error does", () => {
    const details = { limiter: "mail", retryAfterMs: 1_200 };
    const error = new QuorateError("RATE_LIMITED", "no permit", { effect: "none", details });
    expect(errorProblem(error)).toMatchObject({ status: 429, headers: { "retry-after": "2" } });
  });

  it("tells the reason of a refusal, and not its data", () => {
    const problem = errorProblem(refuse("sold out", { stock: "hidden" }));
    expect([problem?.status, problem?.body]).toEqual([422, expect.stringContaining("sold out")]);
    expect(problem?.body).not.toContain("hidden");
  });

  it("names your documentation where it is told to", () => {
    const { body = "" } = errorProblem(locked, { problemBase: "https://docs.example/" }) ?? {};
    expect(JSON.parse(body)).toMatchObject({ type: "https://docs.example/lock-timeout" });
  });

  it("leaves alone what is not its business", () => {
    expect(errorProblem(new Error("x"))).toBeUndefined();
    expect(errorProblem(undefined)).toBeUndefined();
    const details = { option: "ttlMs", value: "-1" };
    const mistake = new QuorateError("INVALID_ARGUMENT", "ttlMs", { effect: "none", details });
    expect(errorProblem(mistake)).toBeUndefined();
  });
});
