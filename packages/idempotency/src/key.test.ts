import { checkName, isQuorateError } from "@quorate/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fingerprint } from "./fingerprint.ts";
import { idempotencyKey } from "./key.ts";

describe("idempotencyKey", () => {
  const request = { user: "u-7", operation: "orders.create", params: { cart: "c-9", cents: 5 } };

  it("does not depend on the order of parameters, nor on the process", () => {
    const other = { params: { cents: 5, cart: "c-9" }, operation: "orders.create", user: "u-7" };
    expect(idempotencyKey(other)).toBe(idempotencyKey(request));
    // Fixed for ever: a key that changes between two releases runs everything in flight twice.
    expect(idempotencyKey(request)).toBe(
      "orders-create-Wvk5OW-4nYC2kN8el2HJgIj3e55RqxHL9L6omghLoqQ",
    );
  });

  it("differs by user, operation and parameters, and by parameters that are absent or null", () => {
    const keys = [
      request,
      { ...request, user: "u-8" },
      { ...request, operation: "orders.cancel" },
      { ...request, params: { ...request.params, cents: 6 } },
      { user: "u-7", operation: "orders.create" },
      { ...request, params: null },
      // Joined with a separator these would be one.
      { user: "a", operation: "b:c" },
      { user: "a:b", operation: "c" },
      { user: 'a","b', operation: "c" },
    ].map((identity) => idempotencyKey(identity));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("is a name, a header value and at most 64 characters, whatever it is made of", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(text, text, fc.jsonValue(), (user, operation, params) => {
        const key = idempotencyKey({ user, operation, params });
        expect(key).toMatch(/^[0-9A-Za-z_-]{43,64}$/);
        expect(checkName("key", key)).toBe(key);
      }),
    );
    expect(idempotencyKey({ user: "u", operation: "注文" })).toHaveLength(43);
  });

  it.each([
    ["user", { ...request, user: 7 as unknown as string }],
    ["user", { ...request, user: "" }],
    ["operation", { ...request, operation: "x".repeat(257) }],
    ["params.at", { ...request, params: { at: new Date(0) } }],
    ["identity.usr", { ...request, usr: "u" }],
  ])("refuses a bad %s by name", (option, identity) => {
    try {
      idempotencyKey(identity);
      expect.unreachable();
    } catch (error) {
      expect(isQuorateError(error, "INVALID_ARGUMENT") && error.details.option).toBe(option);
    }
  });
});

describe("fingerprint", () => {
  it("is the base64url SHA-256 of the canonical text", () => {
    // printf '{"a":1,"b":2}' | sha256sum
    const hex = "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777";
    expect(fingerprint({ b: 2, a: 1 })).toBe(Buffer.from(hex, "hex").toString("base64url"));
  });
});
