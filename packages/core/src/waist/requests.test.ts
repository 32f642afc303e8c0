import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isQuorateError } from "../errors/quorate-error.ts";
import {
  checkCall,
  checkClaim,
  checkDelete,
  checkLease,
  checkPut,
  checkValue,
  type RequestBounds,
} from "./requests.ts";

const bounds: RequestBounds = {
  minTtlMs: 10,
  maxValueBytes: 100,
  requestTimeoutMs: 5_000,
  newOperationId: () => "fresh",
};
const lease = { owner: "me", ttlMs: 1_000 };

const NUMBERS = [Number.NaN, -1, "5", null, {}, 2n] as const;
const bad: Record<string, { call: (value: never) => unknown; values: readonly unknown[] }> = {
  "timeoutMs of a call": {
    call: (timeoutMs) => checkCall({ timeoutMs }, bounds),
    values: [...NUMBERS.filter((value) => value !== null), 0, Infinity],
  },
  "signal of a call": {
    call: (signal) => checkCall({ signal }, bounds),
    values: [{}, "s", null, new EventTarget()],
  },
  "key of a put": { call: (key) => checkPut(key, "", {}, bounds), values: ["", "a//b", 5, null] },
  "value of a put": {
    call: (value) => checkPut("k", value, {}, bounds),
    values: [5, null, undefined, {}, [1], new ArrayBuffer(1), "\ud800"],
  },
  "expect of a put": {
    call: (expect) => checkPut("k", "", { expect }, bounds),
    values: [...NUMBERS, 0, 1.5, 2 ** 53, Infinity, "present"],
  },
  "ttlMs of a put": {
    call: (ttlMs) => checkPut("k", "", { ttlMs }, bounds),
    values: [...NUMBERS, 0, 9, Infinity, 1e300],
  },
  "operationId of a put": {
    call: (operationId) => checkPut("k", "", { operationId }, bounds),
    values: ["", "a b", "x".repeat(65), "é", 5, null],
  },
  "key of a delete": { call: (key) => checkDelete(key, {}, bounds), values: ["", "a/", 5] },
  "expect of a delete": {
    call: (expect) => checkDelete("k", { expect }, bounds),
    values: [...NUMBERS, 0, "absent"],
  },
  "operationId of a delete": {
    call: (operationId) => checkDelete("k", { operationId }, bounds),
    values: ["", "a b"],
  },
  "name of a lease": {
    call: (name) => checkLease(name, lease, bounds),
    values: ["", "/", 5, null],
  },
  "request of a lease": {
    call: (request) => checkLease("n", request, bounds),
    values: [null, undefined, 5, "me"],
  },
  "owner of a lease": {
    call: (owner) => checkLease("n", { ...lease, owner }, bounds),
    values: ["", "x".repeat(129), "\ud800", 5, null, undefined],
  },
  "ttlMs of a lease": {
    call: (ttlMs) => checkLease("n", { ...lease, ttlMs }, bounds),
    values: [...NUMBERS, undefined, 0, 9, Infinity, 1e300],
  },
  "waitMs of a lease": {
    call: (waitMs) => checkLease("n", { ...lease, waitMs }, bounds),
    values: NUMBERS.filter((value) => value !== null),
  },
  "weight of a lease": {
    call: (weight) => checkLease("n", { ...lease, weight }, bounds),
    values: [...NUMBERS.filter((value) => value !== null), 0, 1.5, 2, Infinity],
  },
  "capacity of a lease": {
    call: (capacity) => checkLease("n", { ...lease, capacity }, bounds),
    values: [...NUMBERS.filter((value) => value !== null), 0, 1.5, Infinity],
  },
  "fair of a lease": {
    call: (fair) => checkLease("n", { ...lease, fair }, bounds),
    values: ["no", 0, {}],
  },
  "data of a lease": {
    call: (data) => checkLease("n", { ...lease, data }, bounds),
    values: ["x".repeat(4_097), "\ud800", 5, {}, null],
  },
  "timeoutMs of a lease": {
    call: (timeoutMs) => checkLease("n", { ...lease, timeoutMs }, bounds),
    values: [0, Number.NaN, "5"],
  },
  "grant of a release": { call: (grant) => checkClaim(grant), values: [null, undefined, "g"] },
  "grant.name of a release": {
    call: (name) => checkClaim({ name, owner: "me" }),
    values: ["", "a//b", 5],
  },
  "grant.owner of a release": {
    call: (owner) => checkClaim({ name: "n", owner }),
    values: ["", 5, undefined],
  },
  "grant.fencingToken of a release": {
    call: (fencingToken) => checkClaim({ name: "n", owner: "me", fencingToken }),
    values: [0, -1, 1.5, "7", Number.NaN],
  },
};

describe.each(Object.entries(bad))("%s", (what, { call, values }) => {
  const option = what.split(" ")[0] ?? "";

  it.each(values.map((value) => [value]))("cannot be %s", (value) => {
    try {
      call(value as never);
    } catch (error) {
      if (!isQuorateError(error, "INVALID_ARGUMENT")) throw error;
      expect(error.effect).toBe("none");
      expect(error.details.option).toBe(option);
      expect(error.message).toContain("got ");
      return;
    }
    expect.unreachable("it was taken");
  });
});

describe("requests", () => {
  it("have their defaults filled in", () => {
    expect(checkPut("k", "é", undefined, bounds)).toEqual({
      key: "k",
      value: Buffer.from("é"),
      expect: undefined,
      ttlMs: undefined,
      operationId: "fresh",
      signal: undefined,
      timeoutMs: 5_000,
    });
    expect(checkDelete("k", undefined, bounds)).toMatchObject({ key: "k", operationId: "fresh" });
    expect(checkLease("n", lease, bounds)).toEqual({
      ...lease,
      name: "n",
      waitMs: 0,
      weight: 1,
      capacity: 1,
      fair: true,
      data: undefined,
      signal: undefined,
      timeoutMs: 5_000,
    });
  });

  it("keep what they were given", () => {
    const { signal } = new AbortController();
    const put = {
      expect: "absent",
      ttlMs: 10.5,
      operationId: "Op-_1",
      signal,
      timeoutMs: 7,
    } as const;
    expect(checkPut("a/b", new Uint8Array([1]), put, bounds)).toMatchObject({ ...put, ttlMs: 11 });
    const more = { weight: 2, capacity: 3, fair: false, data: "d", waitMs: Infinity };
    expect(checkLease("n", { ...lease, ...more }, bounds)).toMatchObject(more);
  });

  it("reject with the reason of a signal that has aborted, before anything else", () => {
    const signal = AbortSignal.abort(new Error("enough"));
    expect(() => checkCall({ signal }, bounds)).toThrow("enough");
  });

  it("bound values in bytes, not in characters, and tell both numbers", () => {
    expect(checkValue("value", "é".repeat(50), 100).byteLength).toBe(100);
    for (const value of ["é".repeat(51), new Uint8Array(102)]) {
      try {
        checkValue("value", value, 100);
        expect.unreachable("it was taken");
      } catch (error) {
        if (!isQuorateError(error, "TOO_LARGE")) throw error;
        expect(error.details).toEqual({ option: "value", size: 102, limit: 100 });
        expect(error.effect).toBe("none");
      }
    }
  });

  it("keep the bytes of a value as they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(checkValue("value", bytes, 100)).toBe(bytes);
      }),
    );
  });

  it("never show a value's bytes in an error", () => {
    const secret = "hunter2".repeat(20);
    expect(() => checkPut("k", secret, {}, bounds)).toThrow(/^TOO_LARGE: value has 140 bytes/);
    expect(() => checkPut("k", `${secret}\ud800`, {}, bounds)).not.toThrow(/hunter2/);
  });
});
