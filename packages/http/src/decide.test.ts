import { describe, expect, it } from "vitest";

import { QuorateError, refuse } from "@quorate/core";
import { failureOf, type HeadFacts, judge } from "./decide.ts";
import { storedByDefault } from "./options.ts";
import { problemAnswer, type ProblemKind } from "./problems.ts";

const facts = (header: string | undefined, required = true): HeadFacts => ({
  header,
  strict: false,
  required: () => required,
});

describe("a request of a protected method", () => {
  it("is judged by its key", () => {
    expect(judge(facts("k-1"))).toEqual({ kind: "claim", key: "k-1" });
    expect(judge(facts(undefined, false))).toEqual({ kind: "pass" });
    expect(judge(facts(undefined))).toMatchObject({
      problem: { kind: "key-missing", status: 400 },
    });
    expect(judge(facts("a,b", false))).toMatchObject({
      problem: { kind: "key-invalid", status: 400 },
    });
  });

  it("is not asked whether it needs a key where it has one", () => {
    const required = (): never => {
      throw new Error("asked");
    };
    expect(judge({ header: "k-1", strict: false, required }).kind).toBe("claim");
  });
});

describe("an error of the store or the key", () => {
  const error = (code: ConstructorParameters<typeof QuorateError>[0], details: object): unknown =>
    new QuorateError(code, "why", { effect: "none", details: details as never });

  it.each([
    ["IDEMPOTENCY_MISMATCH", "problem", "key-reused", 422],
    ["IDEMPOTENCY_IN_FLIGHT", "problem", "in-flight", 409],
    ["RESULT_UNENCODABLE", "problem", "answer-not-kept", 409],
    ["RECORD_INVALID", "problem", "store-unavailable", 503],
    ["REVISION_RESET", "problem", "store-unavailable", 503],
    ["STORE_UNAVAILABLE", "store-down", "store-unavailable", 503],
    ["STORE_REFUSED", "store-down", "store-unavailable", 503],
    ["OUTCOME_UNKNOWN", "store-down", "store-unavailable", 503],
    ["TIMEOUT", "store-down", "store-unavailable", 503],
    ["CLOSED", "store-down", "store-unavailable", 503],
  ] as const)("%s is %s %s %i", (code, kind, problem, status) => {
    const details = { key: "k", retryAfterMs: 2_500 };
    expect(failureOf(error(code, details), 422)).toMatchObject({
      kind,
      problem: { kind: problem, status },
    });
  });

  it("passes on when to come back", () => {
    const busy = error("IDEMPOTENCY_IN_FLIGHT", { key: "k", retryAfterMs: 2_500 });
    expect(failureOf(busy, 422)?.problem.retryAfterMs).toBe(2_500);
  });

  it.each([error("INVALID_ARGUMENT", {}), refuse("no"), new Error("bug"), undefined])(
    "is no business of the client's: %s",
    (other) => {
      expect(failureOf(other, 422)).toBeUndefined();
    },
  );
});

describe("a problem document", () => {
  it.each<ProblemKind>([
    "key-missing",
    "key-invalid",
    "key-reused",
    "request-too-large",
    "request-unread",
    "in-flight",
    "answer-not-kept",
    "store-unavailable",
  ])("says of %s what RFC 9457 asks for", (kind) => {
    const answer = problemAnswer({ kind, status: 409 }, "https://api.example/problems#");
    expect(answer.headers).toContainEqual(["content-type", "application/problem+json"]);
    const document = JSON.parse(Buffer.from(answer.body).toString()) as Record<string, unknown>;
    expect(document).toMatchObject({ type: `https://api.example/problems#${kind}`, status: 409 });
    expect(String(document["title"]).length).toBeGreaterThan(10);
    expect(String(document["detail"]).length).toBeGreaterThan(20);
  });

  it.each([
    [0, "1"],
    [1, "1"],
    [1_000, "1"],
    [1_001, "2"],
    [2_500, "3"],
  ])("rounds %i ms up to %s s", (retryAfterMs, seconds) => {
    const { headers } = problemAnswer({ kind: "in-flight", status: 409, retryAfterMs });
    expect(headers).toContainEqual(["retry-after", seconds]);
  });
});

describe("the rule of what is stored", () => {
  it.each([200, 201, 204, 301, 303, 304, 400, 404, 409, 410, 422, 499])("stores %i", (status) => {
    expect(storedByDefault(status)).toBe(true);
  });

  it.each([101, 401, 403, 413, 429, 500, 502, 503, 599])("does not store %i", (status) => {
    expect(storedByDefault(status)).toBe(false);
  });
});
