import { QuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { classifyError } from "./classify.ts";
import { isRejection, rejection } from "./rejection.ts";

const calm = { isCancelled: false };
const status = (code: number) => Object.assign(new Error("http"), { status: code });

describe("classifyError", () => {
  it("counts what the dependency did: failures, timeouts, unknown outcomes, overload", () => {
    const details = { operation: "call", timeoutMs: 5 };
    const late = new QuorateError("TIMEOUT", "late", { effect: "unknown", details });
    const busy = new QuorateError("OVERLOADED", "busy", {
      effect: "none",
      details: { reason: "queue" },
    });
    for (const error of [new Error("any"), undefined, null, 7, late, busy, status(503)]) {
      expect(classifyError(error, calm)).toBe("fault");
    }
    for (const code of [408, 429]) expect(classifyError(status(code), calm)).toBe("fault");
  });

  it("case 11: counts no rejection, no cancel, no refusal and no mistake of the caller", () => {
    const full = rejection("BULKHEAD_FULL", "full", { bulkhead: "b", running: 1, queued: 0 });
    for (const error of [full, refuse("sold-out"), status(400), status(404), status(422)]) {
      expect(classifyError(error, calm)).toBe("ignore");
    }
    expect(classifyError(new Error("any"), { isCancelled: true })).toBe("ignore");
  });

  it("survives an error whose getters throw", () => {
    const hostile = {
      get status(): number {
        throw new Error("gotcha");
      },
    };
    expect(classifyError(hostile, calm)).toBe("fault");
  });
});

describe("a rejection", () => {
  it("has effect none, may be repeated, and carries no stack", () => {
    const before = Error.stackTraceLimit;
    const error = rejection("RATE_LIMITED", "slow down", { limiter: "l", retryAfterMs: 5 });
    expect(error).toMatchObject({ effect: "none", retryable: true });
    expect(error.stack).not.toContain(" at ");
    expect(Error.stackTraceLimit).toBe(before);
    expect(isRejection(error)).toBe(true);
    expect(isRejection(new Error("RATE_LIMITED"))).toBe(false);
  });
});
