import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClientEpochs } from "./epochs.ts";

const GRACE_MS = 10_000;

function newEpochs(maxLives = 100): ClientEpochs {
  return new ClientEpochs({ graceMs: GRACE_MS, maxLives });
}

const first = { name: "shop", life: "one", epoch: 10 };
const second = { name: "shop", life: "two", epoch: 20 };

describe("the lives of clients", () => {
  it("ends a life whose lease expired, at once", () => {
    const epochs = newEpochs();
    epochs.granted(first, 0);
    expect(epochs.ended(first, "expired", 5)).toEqual([
      { kind: "life", life: "one", epoch: 10, reason: "expired" },
    ]);
  });

  it("ends the smaller epochs of a name when a greater one is granted", () => {
    const epochs = newEpochs();
    epochs.granted(first, 0);
    expect(epochs.granted(second, 0)).toEqual([
      { kind: "life", life: "one", epoch: 10, reason: "reincarnated" },
      { kind: "name", name: "shop", life: "two", epoch: 20, reason: "reincarnated" },
    ]);
    expect(epochs.granted(first, 0)).toEqual([]); // Old news.
  });

  it("knows the late call of a life that has ended, and of one that was followed", () => {
    const epochs = newEpochs();
    epochs.granted(first, 0);
    epochs.ended(first, "expired", 0);
    expect(epochs.seen({ id: "one", name: "shop", epoch: 10 }, 0)).toBe("expired");
    // It was away, came back and claimed anew: what it sends now is not old.
    expect(epochs.seen({ id: "one", name: "shop", epoch: 11 }, 0)).toBeUndefined();
    epochs.granted(second, 0);
    expect(epochs.seen({ id: "zero", name: "shop", epoch: 9 }, 0)).toBe("reincarnated");
    expect(epochs.seen({ id: "two", name: "shop", epoch: 20 }, 0)).toBeUndefined();
    expect(epochs.seen({ id: "two", name: "shop", epoch: undefined }, 0)).toBeUndefined();
  });

  it("believes a life again that goes on sending, and at once when its lease is seen", () => {
    const caller = { id: "one", name: "one", epoch: 10 };
    const claim = { name: "one", life: "one", epoch: 10 };
    const epochs = newEpochs();
    epochs.granted(claim, 0);
    epochs.ended(claim, "expired", 1_000);
    expect(epochs.seen(caller, 3_000)).toBe("expired");
    expect(epochs.seen(caller, 3_001)).toBeUndefined();
    epochs.ended(claim, "expired", 4_000);
    epochs.granted(claim, 4_100);
    expect(epochs.seen(caller, 4_200)).toBeUndefined();
  });

  it("takes an expiry near an outage for a suspicion, which a claim of that life lifts", () => {
    const epochs = newEpochs();
    epochs.granted(first, 0);
    epochs.stale();
    expect(epochs.ended(first, "expired", 1_000)).toEqual([]);
    epochs.synced(2_000);
    expect(epochs.granted({ ...first, epoch: 11 }, 0)).toMatchObject([{ life: "one", epoch: 11 }]);
    expect([epochs.dueMs(), epochs.due(100_000)]).toEqual([Infinity, []]);
  });

  it("lets the suspicion come true when nobody lifts it for the grace time", () => {
    const epochs = newEpochs();
    epochs.stale();
    epochs.synced(2_000);
    expect(epochs.ended(first, "unknown", 3_000)).toEqual([]);
    expect(epochs.dueMs()).toBe(13_000);
    expect(epochs.due(12_999)).toEqual([]);
    expect(epochs.due(13_000)).toEqual([
      { kind: "life", life: "one", epoch: 10, reason: "expired" },
    ]);
  });

  it("aborts nobody while the store is away, however long", () => {
    const epochs = newEpochs();
    epochs.stale();
    epochs.ended(first, "unknown", 0);
    expect([epochs.dueMs(), epochs.due(1e9)]).toEqual([Infinity, []]);
    epochs.synced(1e9); // The grace time begins when it is back.
    expect(epochs.dueMs()).toBe(1e9 + GRACE_MS);
  });

  it("believes a goodbye even then", () => {
    const epochs = newEpochs();
    epochs.stale();
    expect(epochs.ended(first, "released", 0)).toMatchObject([{ reason: "released" }]);
  });

  it("does not end a life that has a newer lease when the old one is told as ended", () => {
    const epochs = newEpochs();
    epochs.granted(first, 0);
    epochs.granted({ ...first, epoch: 11 }, 0);
    expect(epochs.ended(first, "expired", 0)).toEqual([]);
  });

  it("remembers no more than it was told to, and forgets the oldest first", () => {
    const epochs = newEpochs(2);
    for (const life of ["a", "b", "c"]) epochs.ended({ name: life, life, epoch: 1 }, "expired", 0);
    const late = ["a", "b", "c"].map((id) => epochs.seen({ id, name: id, epoch: 1 }, 0));
    expect(late).toEqual([undefined, "expired", "expired"]);
  });

  it("never ends a life that holds its lease, whatever order the news come in", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("claim" as const), life: fc.constantFrom("a", "b") }),
      fc.record({
        kind: fc.constant("end" as const),
        how: fc.constantFrom("released" as const, "expired" as const, "unknown" as const),
      }),
      fc.constant({ kind: "stale" as const }),
      fc.constant({ kind: "synced" as const }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const epochs = newEpochs();
        let holder: { name: string; life: string; epoch: number } | undefined;
        let [nowMs, epoch] = [0, 0];
        for (const one of steps) {
          const verdicts = [...epochs.due(nowMs)];
          if (one.kind === "claim" && holder === undefined) {
            holder = { name: "n", life: one.life, epoch: (epoch += 1) };
            verdicts.push(...epochs.granted(holder, nowMs));
          } else if (one.kind === "end" && holder !== undefined) {
            const ended = holder;
            holder = undefined;
            verdicts.push(...epochs.ended(ended, one.how, nowMs));
          } else if (one.kind === "stale") epochs.stale();
          else if (one.kind === "synced") epochs.synced(nowMs);
          else if (one.kind === "wait") nowMs += one.ms;
          for (const verdict of verdicts) {
            const isHolder = holder !== undefined && verdict.life === holder.life;
            if (verdict.kind === "life" && isHolder) {
              expect(verdict.epoch).toBeLessThan(holder?.epoch ?? 0);
            }
          }
          if (holder !== undefined) {
            const caller = { id: holder.life, name: "n", epoch: holder.epoch };
            expect(epochs.seen(caller, nowMs)).toBeUndefined();
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
