import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { retryBudget } from "./retry-budget.ts";

function drain(budget: { withdraw(): boolean }): number {
  let granted = 0;
  while (granted < 100_000 && budget.withdraw()) granted += 1;
  return granted;
}

describe("a retry budget", () => {
  it("grants few calls the floor: 3 a second, by default 30 in 10 seconds", async () => {
    const runtime = new ScriptedRuntime();
    const budget = retryBudget({ runtime });
    expect(budget.balance).toBe(30);
    expect(drain(budget)).toBe(30);
    expect(budget.balance).toBe(0);
    await runtime.advance(9_000);
    expect(drain(budget)).toBe(0);
    await runtime.advance(1_000);
    expect(drain(budget)).toBe(30);
  });

  it("grants many calls a tenth of them", () => {
    const budget = retryBudget({ runtime: new ScriptedRuntime() });
    for (let call = 0; call < 1_005; call += 1) budget.deposit();
    expect(budget.balance).toBe(100);
    expect(drain(budget)).toBe(100);
  });

  it("forgets calls, and retries, that are older than ttlMs", async () => {
    const runtime = new ScriptedRuntime();
    const budget = retryBudget({ perSecond: 0, ttlMs: 1_000, runtime });
    for (let call = 0; call < 320; call += 1) budget.deposit();
    await runtime.advance(900);
    expect(budget.balance).toBe(32);
    await runtime.advance(100);
    expect(budget.balance).toBe(0);
    await runtime.advance(1_000_000_000);
    expect(drain(budget)).toBe(0);
  });

  it("of nothing grants nothing", () => {
    const budget = retryBudget({ ratio: 0, perSecond: 0, runtime: new ScriptedRuntime() });
    for (let call = 0; call < 1_000; call += 1) budget.deposit();
    expect(drain(budget)).toBe(0);
  });

  it("never grants more than its promise, whatever the order of events", async () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant("calls" as const), count: fc.integer({ min: 1, max: 200 }) }),
      fc.record({ kind: fc.constant("retries" as const), count: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant("pause" as const), count: fc.integer({ min: 1, max: 3_000 }) }),
    );
    const options = fc.record({
      ratio: fc.double({ min: 0, max: 1, noNaN: true }),
      perSecond: fc.integer({ min: 0, max: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(options, fc.array(event, { maxLength: 60 }), async (bounds, events) => {
        const runtime = new ScriptedRuntime();
        const ttlMs = 1_000;
        const budget = retryBudget({ ...bounds, ttlMs, runtime });
        const calls: number[] = [];
        const granted: number[] = [];
        const slice = (): number => Math.floor(runtime.time.monotonicMs() / 100);
        const recent = (all: number[]): number => all.filter((at) => at > slice() - 10).length;
        for (const { kind, count } of events) {
          if (kind === "pause") {
            if (budget.withdraw()) granted.push(slice()); // Files what waits, as of now.
            runtime.stall(count);
            continue;
          }
          for (let index = 0; index < count; index += 1) {
            if (kind === "calls") {
              budget.deposit();
              calls.push(slice());
              continue;
            }
            const ratio = Math.round(bounds.ratio * 1_000) / 1_000;
            const allowed = Math.max(recent(calls) * ratio, bounds.perSecond);
            const expected = recent(granted) + 1 <= allowed + 1e-9;
            expect(budget.withdraw()).toBe(expected);
            if (expected) granted.push(slice());
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("refuses options out of range", () => {
    expect(() => retryBudget({ ratio: -0.1 })).toThrow(/ratio must be/);
    expect(() => retryBudget({ ratio: Number.NaN })).toThrow(/ratio must be/);
    expect(() => retryBudget({ perSecond: Infinity })).toThrow(/perSecond must be/);
    expect(() => retryBudget({ ttlMs: 0 })).toThrow(/ttlMs must be/);
    expect(() => retryBudget({ rate: 1 } as object)).toThrow(/retryBudget.rate/);
  });
});
