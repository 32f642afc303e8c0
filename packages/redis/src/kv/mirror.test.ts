import type { Entry } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { Mirror } from "./mirror.ts";

function entry(key: string, revision: number): Entry {
  const value = new Uint8Array([revision % 256]);
  return { key, value, revision, createdRevision: revision, operationId: `op${revision}` };
}

describe("Mirror", () => {
  it("tells a put once, and nothing that is older", () => {
    const mirror = new Mirror();
    expect(mirror.put(entry("a", 2), Infinity)).toMatchObject({ kind: "put" });
    expect(mirror.put(entry("a", 2), Infinity)).toBeUndefined();
    expect(mirror.put(entry("a", 1), Infinity)).toBeUndefined();
  });

  it("tells an end with its reason, once", () => {
    const mirror = new Mirror();
    mirror.put(entry("a", 1), Infinity);
    const end = { kind: "delete", key: "a", revision: 2, reason: "expired" };
    expect(mirror.end("a", 2, "expired")).toEqual(end);
    expect(mirror.end("a", 3, "deleted")).toBeUndefined();
  });

  it("an end that is older than what is known is no news", () => {
    const mirror = new Mirror();
    mirror.put(entry("a", 5), Infinity);
    expect(mirror.end("a", 4, "deleted")).toBeUndefined();
    expect(mirror.size).toBe(1);
  });

  it("what a read does not show has ended, for an unknown reason", () => {
    const mirror = new Mirror();
    mirror.put(entry("a", 1), Infinity);
    mirror.put(entry("b", 2), Infinity);
    mirror.beginRead();
    mirror.put(entry("b", 2), Infinity);
    expect(mirror.endRead(9)).toEqual([
      { kind: "delete", key: "a", revision: 9, reason: "unknown" },
    ]);
  });

  it("a page that is older than an end brings nothing back", () => {
    const mirror = new Mirror();
    mirror.put(entry("a", 1), Infinity);
    mirror.beginRead();
    mirror.end("a", 3, "deleted");
    expect(mirror.put(entry("a", 1), Infinity)).toBeUndefined();
    expect(mirror.endRead(2)).toEqual([]);
    expect(mirror.size).toBe(0);
  });

  it("a change that came while the state was read stays", () => {
    const mirror = new Mirror();
    mirror.beginRead();
    mirror.put(entry("new", 7), Infinity);
    expect(mirror.endRead(5)).toEqual([]);
    expect(mirror.revisionOf("new")).toBe(7);
  });

  it("after a flush everything has ended, above what was told before", () => {
    const mirror = new Mirror();
    mirror.put(entry("a", 100), Infinity);
    mirror.beginRead();
    expect(mirror.endRead(0)).toEqual([
      { kind: "delete", key: "a", revision: 101, reason: "unknown" },
    ]);
  });

  it("says which keys are due, and when the next will be", () => {
    const mirror = new Mirror();
    mirror.put(entry("a", 1), 10);
    mirror.put(entry("b", 2), 30);
    mirror.put(entry("c", 3), Infinity);
    expect(mirror.due(20)).toEqual({ keys: ["a"], nextMs: 30 });
  });
});
