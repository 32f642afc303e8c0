import { refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import {
  applyOnce,
  decodeMarks,
  encodeMarks,
  type MarkCall,
  type Marks,
  NO_MARKS,
} from "./marks.ts";

const call = (operation: MarkCall["operation"], more: Partial<MarkCall> = {}): MarkCall => ({
  branch: "t-1/debit",
  operation,
  nowMs: 1_000,
  ...more,
});
const stored = (marks: Marks): Marks => decodeMarks(JSON.parse(JSON.stringify(encodeMarks(marks))));

describe("applyOnce", () => {
  it("runs the change once, and gives every repeat what it returned", () => {
    const first = applyOnce(NO_MARKS, call("try"), () => ({ held: 5 }));
    expect(first).toMatchObject({ kind: "value", value: { held: 5 }, replayed: false });
    const marks = stored(first.marks);
    const again = applyOnce(marks, call("try"), () => expect.fail("ran twice"));
    expect(again).toMatchObject({ value: { held: 5 }, replayed: true });
    expect(again.marks).toBe(marks);
  });

  it("hands the try's result to the confirm and to the cancel", () => {
    const { marks } = applyOnce(NO_MARKS, call("try"), () => 5);
    for (const operation of ["confirm", "cancel"] as const) {
      expect(applyOnce(stored(marks), call(operation), (tried) => tried)).toMatchObject({
        value: 5,
      });
    }
  });

  it("remembers a refusal, and refuses a repeat alike", () => {
    const declined = applyOnce(NO_MARKS, call("try"), () => {
      throw refuse("too-little", { left: 3 });
    });
    const again = applyOnce(stored(declined.marks), call("try"), () => expect.fail("ran"));
    for (const one of [declined, again]) {
      expect(one).toMatchObject({
        kind: "refused",
        error: { code: "REFUSED", details: { reason: "too-little", data: { left: 3 } } },
      });
    }
    const cancelled = applyOnce(again.marks, call("cancel"), () => expect.fail("undid nothing"));
    expect(cancelled.marks.get("t-1/debit")?.state).toBe("cancelled");
  });

  it("lets no confirm refuse: the error is the caller's, and nothing is marked", () => {
    const { marks } = applyOnce(NO_MARKS, call("try"), () => 1);
    const refusing = () =>
      applyOnce(marks, call("confirm"), () => {
        throw refuse("no");
      });
    expect(refusing).toThrow(/REFUSED/);
  });

  it("keeps a tombstone as long as it must, and forgets it after that", () => {
    const retentionMs = 5_000;
    const { marks } = applyOnce(NO_MARKS, call("cancel", { retentionMs }), () => {});
    const other = { branch: "t-2/debit", retentionMs };
    const young = applyOnce(marks, call("try", { ...other, nowMs: 6_000 }), () => 1).marks;
    expect([...young.keys()]).toEqual(["t-1/debit", "t-2/debit"]);
    const old = applyOnce(marks, call("try", { ...other, nowMs: 6_001 }), () => 1).marks;
    expect([...old.keys()]).toEqual(["t-2/debit"]);
  });

  it("refuses a change rather than forget a young mark", () => {
    const { marks } = applyOnce(NO_MARKS, call("cancel"), () => {});
    const more = call("try", { branch: "t-2/debit", maxMarks: 1 });
    expect(() => applyOnce(marks, more, () => 1)).toThrow(/TOO_LARGE.*maxMarks/);
    expect(applyOnce(marks, call("cancel", { maxMarks: 1 }), () => 1).marks).toBe(marks);
  });

  it("refuses a result that would come back as something else, and marks nothing", () => {
    const bad = () => applyOnce(NO_MARKS, call("try"), () => ({ at: new Date(0) }));
    expect(bad).toThrow(/INVALID_ARGUMENT: result\.at/);
  });
});

describe("stored marks", () => {
  it("read back as they were, keys like __proto__ included", () => {
    const { marks } = applyOnce(NO_MARKS, call("try", { branch: "__proto__/x" }), () => [
      1,
      { a: null },
    ]);
    expect(stored(marks)).toEqual(marks);
    expect(decodeMarks(undefined)).toBe(NO_MARKS);
  });

  it.each([
    [null],
    [7],
    [{}],
    [[1]],
    [[{ branch: "a/b", state: "none", atMs: 1 }]],
    [[{ branch: "a/b", state: "tried", atMs: "1" }]],
    [[{ branch: 1, state: "tried", atMs: 1 }]],
    [[{ branch: "a/b", state: "tried", atMs: 1, answers: { pay: {} } }]],
    [[{ branch: "a/b", state: "tried", atMs: 1, answers: { try: { refused: 3 } } }]],
  ])("of somebody else are refused: %j", (json) => {
    expect(() => decodeMarks(json as never)).toThrow(/RECORD_INVALID/);
  });
});
