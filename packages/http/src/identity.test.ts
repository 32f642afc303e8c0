import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type KeyOwner, lookupKey, requestFingerprint, type RequestFacts } from "./identity.ts";

const owner: KeyOwner = { scope: "acme", method: "POST", route: "/charges", key: "k-1" };

describe("a lookup key", () => {
  it("shows nothing of scope, route and key, and is fit for any service", () => {
    const key = lookupKey({ ...owner, scope: "secret-tenant", key: "secret-key" });
    expect(key).toMatch(/^POST-[0-9A-Za-z_-]{43}$/);
    expect(lookupKey(owner)).toBe(lookupKey({ ...owner }));
  });

  it("is another one wherever a part is, also where parts run into each other", () => {
    const parts = fc.tuple(
      fc.string({ minLength: 1 }),
      fc.constantFrom("POST", "PATCH"),
      fc.string({ minLength: 1 }),
      fc.string(),
    );
    const keyOf = ([scope, method, route, key]: readonly [string, string, string, string]) =>
      lookupKey({ scope, method, route, key });
    fc.assert(
      fc.property(parts, parts, (one, two) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(two));
        expect(keyOf(one)).not.toBe(keyOf(two));
      }),
    );
    expect(keyOf(['a","b', "POST", "c", "d"])).not.toBe(keyOf(["a", "POST", 'b","c', "d"]));
  });

  it.each([{ scope: "" }, { scope: "x".repeat(1_025) }, { route: "" }, { scope: 7 as never }])(
    "is refused without whose or what: %j",
    (part) => {
      expect(() => lookupKey({ ...owner, ...part })).toThrow(/scope|route/);
    },
  );
});

describe("a fingerprint", () => {
  const facts = (more: Partial<RequestFacts> = {}): RequestFacts => ({
    method: "POST",
    target: "/charges?a=1",
    contentType: "application/json; charset=utf-8",
    body: { kind: "value", value: { a: 1, b: [2] } },
    ...more,
  });
  const print = (more?: Partial<RequestFacts>): string =>
    JSON.stringify(requestFingerprint(facts(more)));

  it("does not mind the order of members, nor how a type's parameters are spelled", () => {
    expect(print({ body: { kind: "value", value: { b: [2], a: 1 } } })).toBe(print());
    expect(print({ contentType: "Application/JSON;charset=UTF-8" })).toBe(print());
  });

  it.each<Partial<RequestFacts>>([
    { method: "PATCH" },
    { target: "/charges?a=2" },
    { contentType: "text/plain" },
    { contentType: undefined },
    { body: { kind: "none" } },
    { body: { kind: "value", value: { a: 1, b: [3] } } },
    { body: { kind: "value", value: null } },
    { body: { kind: "chosen", value: { a: 1, b: [2] } } },
    { body: { kind: "bytes", bytes: Buffer.from('{"a":1,"b":[2]}') } },
  ])("is another one with %j", (more) => {
    expect(print(more)).not.toBe(print());
  });

  it("shows nothing of the body", () => {
    const body = { kind: "value", value: { card: "4242424242424242" } } as const;
    expect(print({ body })).not.toContain("4242");
  });

  it("refuses a body that is not JSON, by name", () => {
    const body = { kind: "value", value: { when: new Date(0) } } as const;
    expect(() => requestFingerprint(facts({ body }))).toThrow(/body\.when/);
  });
});
