import { QuorateError, refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { judge } from "./judge.ts";
import { slotOf } from "./message.ts";
import { NO_RECORD } from "./record.ts";
import { isEmpty, settled } from "./settle.ts";

const retry = { attempts: 3, baseMs: 100, maxMs: 1_000 };
const unavailable = new QuorateError("STORE_UNAVAILABLE", "down", {
  effect: "none",
  details: { operation: "publish" },
});

describe("a failed delivery", () => {
  const first = { attempts: 0, inARow: 0, chance: 1 };
  it("counts where the consumer was reached, or may have been", () => {
    const error = new Error("boom");
    expect(judge({ ...first, error }, retry)).toEqual({
      kind: "again",
      counted: true,
      restMs: 100,
    });
    expect(judge({ ...first, error, attempts: 2 }, retry)).toEqual({ kind: "dead", attempts: 3 });
  });

  it("does not count where nobody was", () => {
    for (const error of [unavailable, Object.assign(new Error("x"), { code: "ECONNREFUSED" })]) {
      const verdict = judge({ ...first, error, attempts: 2 }, retry);
      expect(verdict).toEqual({ kind: "again", counted: false, restMs: 100 });
    }
  });

  it("ends at once with a refusal", () => {
    expect(judge({ ...first, error: refuse("no") }, retry)).toEqual({ kind: "dead", attempts: 1 });
  });

  it("rests longer each time, at least half of it, and as long as it was told", () => {
    const rest = (inARow: number, chance: number, error: unknown = new Error("boom")): unknown =>
      (judge({ error, attempts: 0, inARow, chance }, retry) as { restMs?: number }).restMs;
    expect([0, 1, 2, 3, 4, 1_000].map((n) => rest(n, 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect(rest(1, 0)).toBe(100);
    expect(rest(0, 1, Object.assign(new Error("later"), { retryAfterMs: 7_000 }))).toBe(7_000);
  });
});

describe("an outcome", () => {
  const message = (id: string) => ({ id, topic: "t", key: "k", payload: 1, atMs: 1, attempts: 0 });
  const record = { ...NO_RECORD, outbox: [message("a"), message("b"), message("c")] };
  const nothing = { delivered: [], failed: [], dead: [] };

  it("takes away what it names, and leaves the rest where it was", () => {
    const outcome = { ...nothing, delivered: ["a", "gone"], failed: [{ id: "c", attempts: 2 }] };
    expect(settled(record, outcome, 5).outbox).toMatchObject([
      { id: "b", attempts: 0 },
      { id: "c", attempts: 2 },
    ]);
  });

  it("changes nothing that was settled before", () => {
    expect(settled(record, { ...nothing, delivered: ["gone"] }, 5)).toBe(record);
    const after = { ...record, outbox: [{ ...message("a"), attempts: 4 }] };
    expect(settled(after, { ...nothing, failed: [{ id: "a", attempts: 4 }] }, 5)).toBe(after);
  });

  it("buries with the reason, and never what was delivered", () => {
    const dead = [{ id: "a", attempts: 3, problem: "no" }];
    expect(settled(record, { ...nothing, dead }, 5)).toMatchObject({
      outbox: [{ id: "b" }, { id: "c" }],
      dead: [{ id: "a", attempts: 3, problem: "no", deadAtMs: 5 }],
    });
    expect(settled(record, { ...nothing, dead, delivered: ["a"] }, 5).dead).toEqual([]);
    expect(isEmpty(NO_RECORD)).toBe(true);
    expect(isEmpty(record)).toBe(false);
  });
});

it("keys are spread evenly, and each always to the same slot", () => {
  const counts = Array.from({ length: 8 }, () => 0);
  for (let n = 0; n < 8_000; n++) {
    const slot = slotOf(`order-${n}`, 8);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1_200);
  // Stored rows and records rely on these: they never change.
  expect([slotOf("o-1", 1_024), slotOf("ü/1", 1_024)]).toEqual([760, 247]);
});
