import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stageOf, type TwoPhaseRecord, twoPhaseCodec } from "./record.ts";

const BASE: TwoPhaseRecord = {
  ownership: { owner: "w", fence: 7, takeovers: 0 },
  tag: "0123456789ab",
  participants: ["a", "b"],
  lastResource: "",
  startedAtMs: 1,
  deadlineAtMs: 2,
  progress: { kind: "preparing" },
};
const DECIDED = {
  kind: "decided",
  decision: "committed",
  pending: ["b"],
  decidedAtMs: 3,
  reason: "",
} as const;

describe("records", () => {
  it.each([
    ["preparing", { kind: "preparing" }],
    ["committed", DECIDED],
    ["aborted", { ...DECIDED, decision: "aborted", reason: "no" }],
    ["ended-committed", { kind: "ended", decision: "committed", endedAtMs: 4, reason: "" }],
    ["ended-aborted", { kind: "ended", decision: "aborted", endedAtMs: 4, reason: "late" }],
  ] as const)("come back as they were: %s", (stage, progress) => {
    const record = { ...BASE, progress };
    const back = twoPhaseCodec.decode(twoPhaseCodec.encode(record));
    expect(back).toMatchObject({ ok: true, record });
    expect(stageOf(record)).toBe(stage);
  });

  it.each([
    ["[]", "it is no object"],
    ["{", "not JSON"],
    [JSON.stringify({ ...BASE, v: 2 }), "it has another version"],
    [JSON.stringify({ v: 1, ...BASE, tag: "x" }), "bad tag"],
    [JSON.stringify({ v: 1, ...BASE, participants: "a" }), "bad participants"],
    [JSON.stringify({ v: 1, ...BASE, ownership: { owner: 1 } }), "bad ownership"],
    [JSON.stringify({ v: 1, ...BASE, progress: { kind: "decided" } }), "bad progress"],
    [JSON.stringify({ v: 1, ...BASE, deadlineAtMs: "soon" }), "bad times"],
  ])("that are not ours are refused: %s", (text, reason) => {
    expect(twoPhaseCodec.decode(text)).toEqual({ ok: false, reason });
  });

  it("never throw, whatever is stored", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(twoPhaseCodec.decode(text).ok).toBe(false);
      }),
    );
  });
});
