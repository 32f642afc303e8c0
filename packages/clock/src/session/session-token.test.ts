/** The token: what it remembers, what it refuses, and what a replica is told. */
import { describe, expect, it } from "vitest";

import { VersionVector } from "../vector/version-vector.ts";
import { type SessionGuarantee, SessionToken } from "./session-token.ts";

const R1_7 = { replica: "r1", counter: 7 };

function refusal(code: string): unknown {
  return expect.objectContaining({ code, effect: "none" });
}

describe("a session", () => {
  it("is served by anybody at its beginning", () => {
    const token = SessionToken.empty();
    for (const operation of ["read", "write"] as const) {
      expect(token.canServe(VersionVector.of(), { operation })).toEqual({ ok: true });
    }
  });

  it("reads its own writes", () => {
    const token = SessionToken.empty().observedWrite(R1_7);
    expect(token.canServe(VersionVector.of({ r1: 6, r2: 9 }), { operation: "read" })).toEqual({
      ok: false,
      broken: ["read-your-writes"],
      lacks: [R1_7],
    });
    expect(token.canServe(VersionVector.of({ r1: 7 }), { operation: "read" }).ok).toBe(true);
  });

  it("never reads an older state than it has read", () => {
    const token = SessionToken.empty().observedRead(VersionVector.of({ r1: 3, r2: 3 }));
    expect(token.canServe(VersionVector.of({ r1: 9, r2: 2 }), { operation: "read" })).toEqual({
      ok: false,
      broken: ["monotonic-reads"],
      lacks: [{ replica: "r2", counter: 3 }],
    });
  });

  it("writes only where its writes and what it has read have arrived", () => {
    const token = SessionToken.empty()
      .observedRead(VersionVector.of({ r1: 8, r2: 1 }))
      .observedWrite(R1_7);
    expect(token.canServe(VersionVector.of(), { operation: "write" })).toEqual({
      ok: false,
      broken: ["monotonic-writes", "writes-follow-reads"],
      lacks: [
        { replica: "r1", counter: 8 },
        { replica: "r2", counter: 1 },
      ],
    });
  });

  it("keeps the promises that were asked for, and no others", () => {
    const token = SessionToken.empty().observedWrite(R1_7);
    const empty = VersionVector.of();
    const served = (operation: "read" | "write", guarantees: SessionGuarantee[]): boolean =>
      token.canServe(empty, { operation, guarantees }).ok;
    expect(served("read", ["read-your-writes"])).toBe(false);
    expect(served("read", ["monotonic-reads", "monotonic-writes"])).toBe(true);
    expect(served("write", ["monotonic-writes"])).toBe(false);
    expect(served("write", [])).toBe(true);
  });

  it("is not delayed by a write with the vector of the coordinator more than by its dot", () => {
    const at = VersionVector.of({ r1: 7, r2: 2 });
    expect(SessionToken.empty().observedWrite(at).writes.encode()).toBe("r1:7:r2:2");
  });

  it("joins what two of its requests observed side by side", () => {
    const before = SessionToken.empty();
    const left = before.observedWrite(R1_7);
    const right = before.observedRead(VersionVector.of({ r2: 4 }));
    expect(left.merge(right).encode()).toBe("s1/r2:4/r1:7");
    expect(left.merge(right).encode()).toBe(right.merge(left).encode());
    expect(before.encode()).toBe("s1/0/0");
  });

  it("travels as text that needs no escape in a header, a cookie or a query", () => {
    const token = SessionToken.empty()
      .observedRead(
        VersionVector.of([
          ["__proto__", 1],
          ["eu/n;1", 2],
        ]),
      )
      .observedWrite({ replica: "🦊", counter: 3 });
    expect(token.encode()).toMatch(/^[\w.!~*'():%/-]+$/);
    expect(SessionToken.decode(token.encode()).encode()).toBe(token.encode());
    expect(JSON.parse(JSON.stringify({ token }))).toEqual({ token: String(token) });
  });
});

describe("a foreign token", () => {
  it.each([
    "",
    "s1",
    "s1/0",
    "s1/0/0/0",
    "s2/0/0",
    "S1/0/0",
    "s1//0",
    "s1/0/",
    "s1/a:0/0",
    "s1/a:1:a:1/0",
    " s1/0/0",
    "s1/0/0\n",
    "s1/0/%",
    7 as never,
    null as never,
    undefined as never,
  ])("is refused when it reads %j", (token) => {
    expect(() => SessionToken.decode(token)).toThrow(refusal("INVALID_ARGUMENT"));
  });

  it("is bounded, before and after it is read", () => {
    expect(() => SessionToken.decode("s1/a:1:b:1/0", { maxEntries: 1 })).toThrow(
      refusal("TOO_LARGE"),
    );
    expect(() => SessionToken.decode(`s1/${"a:1:".repeat(1e6)}/0`)).toThrow(refusal("TOO_LARGE"));
    const small = SessionToken.decode("s1/a:1/0", { maxEntries: 1 });
    expect(() => small.observedRead(VersionVector.of({ b: 1 }))).toThrow(refusal("TOO_LARGE"));
  });

  it("that fills its bounds on both sides can still be judged", () => {
    const token = SessionToken.decode("s1/a:1/b:1", { maxEntries: 1 });
    const verdict = token.canServe(VersionVector.of(), { operation: "read" });
    expect(verdict).toMatchObject({ ok: false, lacks: [{ replica: "a" }, { replica: "b" }] });
  });
});

describe("a request", () => {
  const token = SessionToken.empty();
  const vector = VersionVector.of();

  it.each([
    ["no vector", () => token.canServe({} as never, { operation: "read" })],
    ["no operation", () => token.canServe(vector, {} as never)],
    ["an unknown operation", () => token.canServe(vector, { operation: "scan" as never })],
    [
      "an unknown guarantee",
      () => token.canServe(vector, { operation: "read", guarantees: ["ryw" as never] }),
    ],
    [
      "guarantees that are no list",
      () => token.canServe(vector, { operation: "read", guarantees: "all" as never }),
    ],
    [
      "a misspelt option",
      () => token.canServe(vector, { operation: "read", guarantee: [] } as never),
    ],
    ["a read without a vector", () => token.observedRead("r1:1" as never)],
    ["a write without a dot", () => token.observedWrite("r1:1" as never)],
    ["a merge with something else", () => token.merge({} as never)],
  ])("with %s is refused", (_, act) => {
    expect(act).toThrow(refusal("INVALID_ARGUMENT"));
  });
});
