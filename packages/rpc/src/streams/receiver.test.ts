import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drain, frame, frames, KEEP_ALIVE_MS, newReceiver, newSender } from "./machines.fixture.ts";

const WINDOW = { items: 4, bytes: 1_000 };

describe("the receiving half of a stream", () => {
  it("gives items in order, then the end", () => {
    const receiver = newReceiver(WINDOW);
    expect(receiver.receive(frame(0, ["a", "b"]), 0)).toBe("taken");
    expect(receiver.receive(frame(2, ["c"], { kind: "done" }), 1)).toBe("taken");
    expect(drain(receiver, 2)).toEqual([
      { kind: "item", value: "a" },
      { kind: "item", value: "b" },
      { kind: "item", value: "c" },
      { kind: "ended", end: { kind: "done" } },
    ]);
  });

  it("takes no item twice", () => {
    const receiver = newReceiver(WINDOW);
    receiver.receive(frame(0, ["a", "b"]), 0);
    expect(receiver.receive(frame(0, ["a", "b"]), 0)).toBe("duplicate");
    expect(receiver.receive(frame(1, ["forged", "forged"]), 0)).toBe("duplicate");
    expect(receiver.items).toBe(2);
  });

  it("ends at a gap, with what was received before it, and is deaf after that", () => {
    const receiver = newReceiver(WINDOW);
    receiver.receive(frame(0, ["a"]), 0);
    expect(receiver.receive(frame(2, ["c"]), 0)).toBe("fatal");
    expect(receiver.receive(frame(1, ["b"]), 0)).toBe("late");
    expect(drain(receiver, 0)).toEqual([
      { kind: "item", value: "a" },
      { kind: "ended", end: { kind: "lost", why: "gap" } },
    ]);
  });

  it("learns of a lost last frame from the next keep-alive, and of a lost end", () => {
    const receiver = newReceiver(WINDOW);
    expect(receiver.receive(frame(1, []), 0)).toBe("fatal");
    expect(receiver.end).toEqual({ kind: "lost", why: "gap" });
    const other = newReceiver(WINDOW);
    expect(other.receive(frame(3, [], { kind: "done" }), 0)).toBe("fatal");
  });

  it("ends when the server sends more than it was granted, in items or in bytes", () => {
    const inItems = newReceiver(WINDOW);
    expect(inItems.receive(frame(0, [1, 2, 3, 4, 5]), 0)).toBe("fatal");
    expect(inItems.end).toEqual({ kind: "lost", why: "overrun" });
    const inBytes = newReceiver(WINDOW, { slackBytes: 100 });
    expect(inBytes.receive({ ...frame(0, [1]), bytes: 1_101 }, 0)).toBe("fatal");
  });

  it("grants when half the window is free, and at each keep-alive", () => {
    const receiver = newReceiver(WINDOW);
    receiver.receive(frame(0, [1, 2, 3]), 0);
    receiver.take(0);
    expect(receiver.word(0)).toBeUndefined();
    receiver.take(0);
    expect(receiver.word(0)).toEqual({ items: 6, bytes: 1_000 }); // The frame is not read yet.
    receiver.take(0);
    expect(receiver.word(KEEP_ALIVE_MS - 1)).toBeUndefined();
    expect(receiver.word(KEEP_ALIVE_MS)).toEqual({ items: 7, bytes: 1_050 });
  });

  it("holds a server silent after three periods, and not one that it could not hear", () => {
    const receiver = newReceiver(WINDOW);
    receiver.receive(frame(0, []), 500);
    receiver.judge(3_499);
    expect(receiver.end).toBeUndefined();
    receiver.judge(60_000);
    expect(receiver.end).toBeUndefined();
    receiver.judge(61_000);
    expect(receiver.end).toEqual({ kind: "lost", why: "silent" });
  });

  it("is idle when the server has sent nothing to an empty buffer for too long", () => {
    const receiver = newReceiver(WINDOW, { idleMs: 1_500 });
    receiver.receive(frame(0, [1]), 100);
    receiver.judge(2_000); // The item is unread: it is the consumer who is slow.
    expect(receiver.end).toBeUndefined();
    receiver.take(2_000);
    receiver.receive(frame(1, []), 3_000); // It lives, but that is no item.
    receiver.judge(3_499);
    expect(receiver.end).toBeUndefined();
    receiver.judge(3_500);
    expect(receiver.end).toEqual({ kind: "lost", why: "idle" });
  });

  it("forgets what is unread when the consumer leaves", () => {
    const receiver = newReceiver(WINDOW);
    receiver.receive(frame(0, [1, 2]), 0);
    receiver.drop();
    expect(drain(receiver, 0)).toEqual([{ kind: "ended", end: { kind: "done" } }]);
    expect([receiver.word(9_999), receiver.dueMs()]).toEqual([undefined, Infinity]);
  });
});

describe("both halves together", () => {
  const fault = fc.constantFrom("none", "none", "none", "lost", "twice");
  const plan = fc.record({
    items: fc.integer({ min: 0, max: 60 }),
    window: fc.record({
      items: fc.integer({ min: 1, max: 9 }),
      bytes: fc.integer({ min: 1, max: 400 }),
    }),
    frameBytes: fc.integer({ min: 1, max: 40 }),
    faults: fc.array(fault, { maxLength: 40 }),
    fails: fc.boolean(),
    turns: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 20 }).map((some) => [...some, 1]),
  });

  it("the consumer has a beginning of the items, and all of them if the end says so", () => {
    fc.assert(
      fc.property(plan, ({ items, window, frameBytes, faults, fails, turns }) => {
        const sender = newSender(window, { frameBytes });
        const receiver = newReceiver(window, { slackBytes: 200 });
        const received: unknown[] = [];
        let [pushed, sent, nowMs] = [0, 0, 0];
        for (let turn = 0; turn < 2_000 && receiver.end === undefined; turn++) {
          for (; sender.wantsItem && pushed < items; pushed++) sender.push(`${pushed}`, nowMs);
          if (pushed === items)
            sender.end(fails ? { kind: "failed", failure: "x" } : { kind: "done" });
          for (const one of frames(sender, nowMs)) {
            const fate = faults[sent++] ?? "none";
            if (fate !== "lost") receiver.receive(one, nowMs);
            if (fate === "twice") receiver.receive(one, nowMs);
          }
          for (let count = turns[turn % turns.length] ?? 0; count > 0; count--) {
            const taken = receiver.take(nowMs);
            if (taken?.kind === "item") received.push(taken.value);
          }
          const word = receiver.word(nowMs);
          if (word !== undefined) sender.heard(word, nowMs);
          receiver.judge(nowMs);
          nowMs += 400;
        }
        for (const taken of drain(receiver, nowMs)) {
          if (taken.kind === "item") received.push(taken.value);
        }
        expect(received).toEqual(Array.from({ length: received.length }, (_, index) => index));
        const isWhole = receiver.end?.kind === (fails ? "failed" : "done");
        const lost = faults.slice(0, sent).includes("lost");
        // A lost keep-alive is made good by the next, so a loss need not end the stream.
        if (!lost || isWhole) expect([isWhole, received.length]).toEqual([true, items]);
        else expect(receiver.end).toMatchObject({ kind: "lost" });
      }),
      { numRuns: 150 },
    );
  });
});
