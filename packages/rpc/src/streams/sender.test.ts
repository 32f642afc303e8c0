import { describe, expect, it } from "vitest";
import { frames, KEEP_ALIVE_MS, newSender } from "./machines.fixture.ts";

const PLENTY = { items: 1_000, bytes: 1_000_000 };

describe("the sending half of a stream", () => {
  it("sends the first item at once, and those of the next millisecond in one frame", () => {
    const sender = newSender(PLENTY, { frameBytes: 1_000 });
    sender.push("1", 0);
    expect(frames(sender, 0)).toMatchObject([{ first: 0, items: [1] }]);
    for (const text of ["2", "3", "4"]) sender.push(text, 0.2);
    expect(frames(sender, 0.5)).toEqual([]);
    expect(sender.dueMs()).toBe(1);
    expect(frames(sender, 1)).toMatchObject([{ first: 1, items: [2, 3, 4] }]);
    sender.push("5", 700);
    expect(frames(sender, 700)).toMatchObject([{ first: 4, items: [5] }]);
  });

  it("asks for no item beyond the credit in items, and goes on when more is granted", () => {
    const sender = newSender({ items: 2, bytes: 1_000 });
    sender.push("1", 0);
    sender.push("2", 0);
    expect(sender.wantsItem).toBe(false);
    expect(frames(sender, 0)).toMatchObject([{ items: [1, 2] }]); // None can join.
    sender.heard({ items: 3, bytes: 1_000 }, 10);
    expect(sender.wantsItem).toBe(true);
    sender.heard({ items: 1, bytes: 1 }, 11); // A grant that was overtaken takes nothing back.
    expect(sender.wantsItem).toBe(true);
  });

  it("begins no item once the credit in bytes is used up", () => {
    const sender = newSender({ items: 100, bytes: 60 });
    sender.push(JSON.stringify("x".repeat(50)), 0);
    expect(sender.wantsItem).toBe(true);
    expect(frames(sender, 0)).toHaveLength(1);
    expect(sender.wantsItem).toBe(false);
    sender.heard({ items: 100, bytes: 10_000 }, 1);
    expect(sender.wantsItem).toBe(true);
  });

  it("holds one frame and no more, whatever credit a client names", () => {
    const sender = newSender({ items: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER });
    let pushed = 0;
    for (; sender.wantsItem; pushed++) sender.push("1234567", 0);
    expect(pushed).toBe(8); // Of 64 bytes.
    expect(frames(sender, 0)).toMatchObject([{ items: Array.from({ length: 8 }, () => 1234567) }]);
  });

  it("cuts frames at their size, and sends an item that is longer alone", () => {
    const sender = newSender(PLENTY);
    sender.push(JSON.stringify("x".repeat(60)), 0);
    sender.push(JSON.stringify("y".repeat(200)), 0);
    sender.end({ kind: "done" });
    const sizes = frames(sender, 0).map(({ items, end }) => [items.length, end?.kind]);
    expect(sizes).toEqual([
      [1, undefined],
      [1, "done"],
    ]);
    expect(sender.isOver).toBe(true);
  });

  it("sends a failure after the items before it, and nothing after that", () => {
    const sender = newSender(PLENTY);
    sender.push("1", 0);
    sender.end({ kind: "failed", failure: "boom" });
    sender.end({ kind: "done" });
    expect(frames(sender, 0)).toMatchObject([
      { first: 0, items: [1], end: { kind: "failed", failure: "boom" } },
    ]);
    expect(frames(sender, 10_000)).toEqual([]);
    expect(sender.dueMs()).toBe(Infinity);
  });

  it("says that it lives after each keep-alive period in which it sent nothing", () => {
    const sender = newSender(PLENTY);
    sender.push("1", 0);
    frames(sender, 0);
    expect(sender.dueMs()).toBe(KEEP_ALIVE_MS);
    expect(frames(sender, KEEP_ALIVE_MS - 1)).toEqual([]);
    expect(frames(sender, KEEP_ALIVE_MS)).toMatchObject([{ first: 1, items: [] }]);
    expect(frames(sender, KEEP_ALIVE_MS)).toEqual([]);
  });

  it("holds a client silent after three periods, and not one that it could not hear", () => {
    const sender = newSender(PLENTY);
    sender.heard(PLENTY, 500);
    expect(sender.judge(3_499)).toBeUndefined();
    expect(sender.judge(3_500)).toBe("silent");
    // This process stood still: what the client said has not been read yet.
    expect(sender.judge(60_000)).toBeUndefined();
    expect(sender.judge(60_999)).toBeUndefined();
    expect(sender.judge(61_000)).toBe("silent");
  });

  it("holds a consumer stalled that grants nothing for as long as the server bears", () => {
    const sender = newSender({ items: 1, bytes: 1_000 }, { stallMs: 2_000 });
    sender.push("1", 100);
    frames(sender, 100);
    sender.heard({ items: 1, bytes: 1_000 }, 1_500); // It lives; its consumer takes nothing.
    expect(sender.judge(2_099)).toBeUndefined();
    expect(sender.judge(2_100)).toBe("stalled");
    sender.heard({ items: 2, bytes: 1_000 }, 2_100);
    expect(sender.judge(2_100)).toBeUndefined();
  });

  it("sends nothing once it was dropped", () => {
    const sender = newSender(PLENTY);
    sender.push("1", 0);
    sender.drop();
    expect(frames(sender, 5_000)).toEqual([]);
    expect([sender.wantsItem, sender.dueMs(), sender.judge(99_999)]).toEqual([
      false,
      Infinity,
      undefined,
    ]);
  });
});
