import { describe, expect, it } from "vitest";
import type { Head } from "./heads.ts";
import { planDelete, planPut } from "./plan.ts";

const live: Head = {
  kind: "live",
  seq: 5,
  createdRevision: 4,
  operationId: "theirs",
  aliveUntilMs: Infinity,
};
const dead: Head = { kind: "dead", seq: 9 };
const none: Head = { kind: "none" };
const unknown: Head = { kind: "unknown" };
const at = (head: Head, fresh: boolean, operationId = "mine") => ({
  head,
  fresh,
  operationId,
  revisionOf: (seq: number) => 2 * seq,
});
const against = (expectSeq: number, createdRevision?: number) => ({
  kind: "write",
  expectSeq,
  createdRevision,
});

describe("a put if absent", () => {
  it("writes at once where nothing is known, or nothing living", () => {
    expect(planPut("absent", at(unknown, false))).toEqual(against(0));
    expect(planPut("absent", at(none, true))).toEqual(against(0));
    expect(planPut("absent", at(dead, false))).toEqual(against(9));
  });

  it("is refused only by what was read, not by what was remembered", () => {
    expect(planPut("absent", at(live, false))).toEqual({ kind: "read" });
    expect(planPut("absent", at(live, true))).toEqual({ kind: "conflict" });
  });
});

describe("a put at a revision", () => {
  it("writes over that revision, and carries on when it came into being", () => {
    expect(planPut(10, at(live, false))).toEqual(against(5, 4));
  });

  it("reads before it says no", () => {
    for (const head of [unknown, none, dead, live]) {
      expect(planPut(12, at(head, false))).toEqual({ kind: "read" });
    }
    for (const head of [none, dead, live]) {
      expect(planPut(12, at(head, true))).toEqual({ kind: "conflict" });
    }
  });
});

describe("an unconditional put", () => {
  it("writes over whatever there is, and reads if it does not know", () => {
    expect(planPut(undefined, at(unknown, false))).toEqual({ kind: "read" });
    expect(planPut(undefined, at(none, true))).toEqual(against(0));
    expect(planPut(undefined, at(dead, true))).toEqual(against(9));
    expect(planPut(undefined, at(live, false))).toEqual(against(5, 4));
  });

  it("reads where the last write seems to be its own", () => {
    expect(planPut(undefined, at(live, false, "theirs"))).toEqual({ kind: "read" });
  });
});

describe("a delete", () => {
  it("needs something living, at the revision if one is given", () => {
    expect(planDelete(undefined, at(live, false))).toEqual(against(5));
    expect(planDelete(10, at(live, false))).toEqual(against(5));
    expect(planDelete(12, at(live, false))).toEqual({ kind: "read" });
    expect(planDelete(12, at(live, true))).toEqual({ kind: "conflict" });
    expect(planDelete(undefined, at(unknown, false))).toEqual({ kind: "read" });
    expect(planDelete(undefined, at(dead, true))).toEqual({ kind: "conflict" });
  });
});
