import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { safe, world } from "./hedge.fixture.ts";
import { outcomeOf, pending } from "./policy.fixture.ts";
import { pipe } from "./policy.ts";
import { retryBudget } from "./retry-budget.ts";
import { hedge } from "./hedge.ts";
import { retry } from "./retry.ts";

describe("the budget of a hedge", () => {
  it("case 22: when empty: no hedge is sent, silently, and the call is not harmed", async () => {
    const runtime = new ScriptedRuntime();
    const budget = retryBudget({ ratio: 0, perSecond: 0, runtime });
    const { policy, work, answer, calls, ...rest } = world({ budget, hedges: 2 });
    const call = policy.run(work, safe);
    await rest.runtime.advance(1_000);
    expect(calls).toHaveLength(1);
    answer(1).resolve("first");
    expect(await call).toBe("first");
    expect(policy.stats).toMatchObject({ sent: 0, budgetEmpty: 1 });
  });

  it("of its own is fed by first attempts, and keeps hedges at a tenth of them", async () => {
    const { runtime, policy } = world();
    const calls = Array.from({ length: 2_000 }, () =>
      outcomeOf(policy.run(() => new Promise(() => {}), { ...safe, timeoutMs: 500 })),
    );
    await runtime.advance(600);
    await Promise.all(calls);
    expect(policy.stats).toMatchObject({ sent: 200, budgetEmpty: 1_800 });
  });

  it("of its own is not fed by further attempts of a retry around it", async () => {
    const { runtime, policy } = world();
    const again = retry({ attempts: 10, budget: false, backoff: () => 0, runtime });
    const calls = Array.from({ length: 100 }, () =>
      outcomeOf(
        pipe(again, policy).run(
          (call) => (call.attempt < 10 ? Promise.reject(new Error("e")) : new Promise(() => {})),
          { ...safe, timeoutMs: 500 },
        ),
      ),
    );
    await runtime.advance(600);
    await Promise.all(calls);
    // The floor, 3 a second for 10 seconds, and not a tenth of 1,000.
    expect(policy.stats.sent).toBe(30);
  });

  it("that is shared with a retry is fed once for each call", async () => {
    const runtime = new ScriptedRuntime();
    const budget = retryBudget({ perSecond: 0, runtime });
    const both = pipe(retry({ budget, runtime }), hedge({ budget, delayMs: 100, runtime }));
    for (let index = 0; index < 160; index += 1) await both.run(() => index, safe);
    expect(budget.balance).toBe(16);
  });
});

describe("the delay of a hedge by percentile", () => {
  async function calls(count: number, ms: number, using: ReturnType<typeof world>): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const answer = pending<number>();
      const call = using.policy.run(() => answer.promise, safe);
      await using.runtime.advance(ms);
      answer.resolve(index);
      await call;
    }
  }

  it("is not known before twenty latencies are, and follows them then", async () => {
    const using = world({ delayMs: undefined, percentile: 0.9 });
    expect(using.policy.delayMs).toBeUndefined();
    await calls(19, 40, using);
    expect(using.policy.delayMs).toBeUndefined();
    await calls(1, 40, using);
    expect(using.policy.delayMs).toBe(40);
    await calls(150, 80, using);
    expect(using.policy.delayMs).toBe(80);
    await calls(150, 0, using);
    expect(using.policy.delayMs).toBe(1);
  });

  it("is `delayMs` until then, where both are given", () => {
    expect(world({ delayMs: 70, percentile: 0.9 }).policy.delayMs).toBe(70);
  });

  it("does not creep down because hedges answer fast", async () => {
    const using = world({ delayMs: undefined, percentile: 0.95, budget: false });
    // 19 of 20 calls take 10 ms, the 20th hangs and is answered by its hedge at once.
    for (let index = 0; index < 600; index += 1) {
      const isSlow = index % 20 === 19;
      const call = using.policy.run(
        (one) =>
          isSlow && one.attempt === 1
            ? new Promise(() => {})
            : new Promise((resolve) =>
                using.runtime.time.setTimer(one.attempt === 1 ? 10 : 0, () => resolve(1)),
              ),
        { ...safe, timeoutMs: 1_000 },
      );
      void call.catch(() => {});
      await using.runtime.advance(isSlow ? 1_000 : 10);
    }
    expect(using.policy.delayMs).toBe(10);
    expect(using.policy.stats.sent).toBeLessThanOrEqual(600 * 0.06);
  });

  it("refuses options that mean nothing, naming them", () => {
    for (const delayMs of [0, -1, Number.NaN, Infinity]) {
      expect(() => hedge({ delayMs })).toThrow(/delayMs must be/);
    }
    expect(() => hedge({ percentile: 95 })).toThrow(/percentile must be/);
    expect(() => hedge({ hedges: 11 })).toThrow(/hedges must be/);
    expect(() => hedge({ after: 1 } as object)).toThrow(/hedge.after/);
  });
});
