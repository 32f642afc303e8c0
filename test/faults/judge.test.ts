import { describe, expect, it } from "vitest";

import type { Hold } from "./holds.ts";
import { judge } from "./judge.ts";

const KEPT = { exclusion: "kept", data: "kept" } as const;

/** A claim that was held, wrote `count` and was given back, all told. */
function hold(id: string, fromMs: number, toMs: number, more: Partial<Hold> = {}): Hold {
  return {
    id,
    worker: "w1",
    kind: "lock",
    askedMs: fromMs - 1,
    heldMs: fromMs,
    token: fromMs,
    believed: [
      { fromMs, toMs: fromMs },
      { fromMs: toMs, toMs },
    ],
    refused: undefined,
    writing: undefined,
    wroteMs: undefined,
    releasingMs: toMs,
    ended: { how: "released", atMs: toMs },
    ...more,
  };
}

describe("the judge of the fault matrix", () => {
  it("finds nothing wrong with claims one after the other", () => {
    const wrote = (count: number, atMs: number): Partial<Hold> => ({
      writing: { count, atMs },
      wroteMs: atMs + 1,
    });
    const holds = [hold("a", 10, 20, wrote(1, 12)), hold("b", 20, 30, wrote(2, 22))];
    expect(judge(holds, [], KEPT).violations).toEqual([]);
  });

  it("finds two who hold a lock at one time, unless the fault allows it", () => {
    const holds = [hold("a", 10, 20), hold("b", 19, 30)];
    expect(judge(holds, [], KEPT).violations).toEqual([
      "lock: held at one time by a (token 10), b (token 19)",
      expect.stringMatching(/^not linearizable as a fenced mutex/),
    ]);
    expect(judge(holds, [], { exclusion: "fenced", data: "kept" }).violations).toEqual([]);
  });

  it("counts permits, and lets readers in together but no writer beside them", () => {
    const permits = ["a", "b", "c"].map((id, index) =>
      hold(id, 10 + index, 20 + index, { kind: "permit" }),
    );
    expect(judge(permits.slice(0, 2), [], KEPT).violations).toEqual([]);
    expect(judge(permits, [], KEPT).violations).toEqual([
      expect.stringMatching(/^semaphore: held at one time by a .*, b .*, c /),
      expect.stringMatching(/^not linearizable as a permits/),
    ]);
    const readers = ["a", "b", "c"].map((id, at) => hold(id, 10 + at, 20 + at, { kind: "read" }));
    expect(judge(readers, [], KEPT).violations).toEqual([]);
    const writer = hold("d", 15, 16, { kind: "write" });
    expect(judge([...readers, writer], [], KEPT).violations).toEqual([
      expect.stringMatching(/^read-write lock: held at one time by /),
      expect.stringMatching(/^not linearizable as a read-write lock/),
    ]);
  });

  it("finds tokens that go back", () => {
    const holds = [hold("a", 10, 20, { token: 7 }), hold("b", 30, 40, { token: 7 })];
    expect(judge(holds, [], KEPT).violations).toEqual([
      "lock: tokens went back: a got 7, then b got 7",
      expect.stringMatching(/^not linearizable as a fenced mutex/),
    ]);
  });

  it("finds a lost update of the guarded counter, not one that was refused", () => {
    const first = hold("a", 10, 20, { writing: { count: 5, atMs: 12 }, wroteMs: 13 });
    const late = hold("b", 30, 40, { writing: { count: 5, atMs: 32 } });
    expect(judge([first, late], [], KEPT).violations).toEqual([]);
    expect(judge([first, { ...late, wroteMs: 33 }], [], KEPT).violations).toEqual([
      "guarded lock: a was told that it wrote 5, then b wrote 5",
      "guarded lock: one number was acknowledged to two writers",
    ]);
  });

  it("takes a hold that was never given back for one that may have ended, or not yet", () => {
    const killed = { releasingMs: undefined, ended: undefined };
    const holds = [hold("a", 10, 20, killed), hold("b", 30, 40)];
    expect(judge(holds, [], KEPT).violations).toEqual([]);
    const believed = [...(holds[0]?.believed ?? []), { fromMs: 35, toMs: 36 }];
    const woken = { ...hold("a", 10, 20, killed), believed };
    expect(judge([woken, hold("b", 30, 40)], [], KEPT).violations).toHaveLength(2);
  });

  it("takes whatever a worker calls broken for a violation", () => {
    expect(judge([], ["w1: boom"], KEPT).violations).toEqual(["w1: boom"]);
  });
});
