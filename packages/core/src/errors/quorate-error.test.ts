import { inspect } from "node:util";
import { describe, expect, it } from "vitest";

import { RETRYABLE } from "./codes.ts";
import * as original from "./quorate-error.ts";

const { isQuorateError, QuorateError } = original;

const make = (more: object = {}) =>
  new QuorateError("OUTCOME_UNKNOWN", "no answer to a put in 500 ms", {
    effect: "unknown",
    details: { operation: "kv put", key: "orders/7", afterMs: 500 },
    ...more,
  });

describe("a QuorateError", () => {
  it("begins its message with its code, and carries its facts", () => {
    const error = make();
    expect(error.message).toBe("OUTCOME_UNKNOWN: no answer to a put in 500 ms");
    expect(String(error)).toBe("QuorateError: OUTCOME_UNKNOWN: no answer to a put in 500 ms");
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown", retryable: true });
    expect("cause" in error).toBe(false);
  });

  it("is retryable by its code, unless it knows better", () => {
    expect(make({ retryable: false }).retryable).toBe(false);
    expect(RETRYABLE.has("INVALID_ARGUMENT")).toBe(false);
  });

  it("is recognised by brand and code, also from another copy of the package", async () => {
    // The query makes a second instance of the module, as a second version in the tree would.
    const path = "./quorate-error.ts?copy";
    const copy = (await import(path)) as typeof original;
    const options = { effect: "none", details: { what: "it" } } as const;
    const foreign = new copy.QuorateError("CLOSED", "closed", options);
    expect(copy.QuorateError).not.toBe(QuorateError);
    expect(foreign).not.toBeInstanceOf(QuorateError);
    expect(isQuorateError(foreign)).toBe(true);
    expect(isQuorateError(foreign, "CLOSED")).toBe(true);
    expect(isQuorateError(foreign, "TIMEOUT")).toBe(false);
    expect(copy.isQuorateError(make(), "OUTCOME_UNKNOWN")).toBe(true);
  });

  it.each([undefined, null, "CLOSED", new Error("CLOSED"), { code: "CLOSED", effect: "none" }])(
    "is not %s",
    (other) => {
      expect(isQuorateError(other)).toBe(false);
    },
  );

  it("is not a proxy that throws at every look", () => {
    const throwing = (): never => {
      throw new Error("gotcha");
    };
    expect(isQuorateError(new Proxy({}, { has: throwing, get: throwing }))).toBe(false);
  });

  it("prints its facts, and neither functions nor the brand", () => {
    const printed = inspect(make({ resolve: async () => "none" }));
    expect(printed).toContain("orders/7");
    expect(printed).toContain("effect: 'unknown'");
    expect(printed).not.toContain("resolve");
    expect(printed).not.toContain("quorate.error");
    expect(JSON.stringify(make({ resolve: async () => "none" }))).not.toContain("resolve");
  });

  it("carries a way to settle an unknown outcome only where there is one", async () => {
    expect(make().resolve).toBeUndefined();
    expect(await make({ resolve: async () => "applied" }).resolve?.()).toBe("applied");
  });
});
