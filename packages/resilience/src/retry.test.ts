import { QuorateError, refuse } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { failing, retryAfter, safe, world } from "./retry.fixture.ts";
import { outcomeOf, spyGuard } from "./policy.fixture.ts";
import { LayeredPolicy, pipe } from "./policy.ts";
import { rejection } from "./rejection.ts";
import { retryBudget } from "./retry-budget.ts";
import { retry } from "./retry.ts";

describe("a retry", () => {
  it("makes a safe call again until it succeeds", async () => {
    const { runtime, policy, seen } = world();
    const work = failing(new Error("1"), new Error("2"));
    const attempts: number[] = [];
    const call = policy.run((one) => {
      attempts.push(one.attempt);
      return work.work(one);
    }, safe);
    await runtime.advance(200);
    expect(await call).toBe(3);
    expect(attempts).toEqual([1, 2, 3]);
    expect(seen).toEqual(["retrying 2 in 100", "retrying 3 in 100"]);
    expect(policy.stats).toMatchObject({ calls: 1, retries: 2, recovered: 1, exhausted: 0 });
    expect(runtime.pendingTimers).toBe(0);
  });

  it("gives up after `attempts` with what the last one threw, the identical object", async () => {
    const { runtime, policy, seen } = world();
    const errors = [new Error("1"), new Error("2"), new Error("3")];
    const work = failing(...errors);
    const call = outcomeOf(policy.run(work.work, safe));
    await runtime.advance(1_000);
    expect(((await call) as { error: unknown }).error).toBe(errors[2]);
    expect(work.ran).toBe(3);
    expect(seen.at(-1)).toBe("exhausted 3 attempts");
  });

  it("does not repeat unsafe work that may have happened", async () => {
    const { runtime, policy } = world();
    const error = new Error("reset");
    const work = failing(error);
    expect(await outcomeOf(policy.run(work.work))).toEqual({ error });
    expect(work.ran).toBe(1);
    expect(policy.stats.unrepeatable).toBe(1);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("repeats unsafe work that was not sent", async () => {
    const { runtime, policy } = world();
    const call = policy.run(failing(Object.assign(new Error(), { code: "ENOTFOUND" })).work);
    await runtime.advance(100);
    expect(await call).toBe(2);
  });

  it("takes a key for a reason to repeat, and passes the same on", async () => {
    const { runtime, policy } = world();
    const keys: unknown[] = [];
    const work = failing(new Error("reset"));
    const call = policy.run(
      (one) => {
        keys.push(one.key, one.repeat);
        return work.work(one);
      },
      { key: "order-1" },
    );
    await runtime.advance(100);
    expect(await call).toBe(2);
    expect(keys).toEqual(["order-1", "keyed", "order-1", "keyed"]);
  });

  it("takes a refusal for an answer", async () => {
    const { policy } = world();
    const error = refuse("declined");
    expect(await outcomeOf(policy.run(failing(error).work, safe))).toEqual({ error });
  });

  it("does not let a breaker that opened meanwhile hide an unknown outcome", async () => {
    const { runtime, policy } = world();
    const lost = new QuorateError("TIMEOUT", "no answer", {
      effect: "unknown",
      details: { operation: "charge", timeoutMs: 1 },
    });
    const open = rejection("BREAKER_OPEN", "open", { breaker: "b", state: "open" });
    const call = outcomeOf(policy.run(failing(lost, open).work, { key: "k" }));
    await runtime.advance(100);
    expect(((await call) as { error: unknown }).error).toBe(lost);
  });

  it("follows `when` before its own rule, both ways", async () => {
    const judged: unknown[] = [];
    const { runtime, policy } = world({
      when(error, call) {
        judged.push(error, call.attempt);
        return error === "again" ? true : error === "never" ? false : undefined;
      },
    });
    const call = policy.run(failing("again").work); // Unsafe.
    await runtime.advance(100);
    expect(await call).toBe(2);
    expect(await outcomeOf(policy.run(failing("never").work, safe))).toEqual({ error: "never" });
    expect(await outcomeOf(policy.run(failing("other").work))).toEqual({ error: "other" });
    expect(judged).toEqual(["again", 1, "never", 1, "other", 1]);
  });

  it("makes no third attempt under a signal of the work's own that is dead", async () => {
    const { runtime, policy } = world({ attempts: 5 });
    const dead = AbortSignal.abort();
    let ran = 0;
    const call = policy.run(async () => {
      ran += 1;
      dead.throwIfAborted();
    }, safe);
    const outcome = outcomeOf(call);
    await runtime.advance(1_000);
    expect([await outcome, ran]).toEqual([{ error: dead.reason }, 2]);
    expect(policy.stats.unrepeatable).toBe(1);
  });

  it("case 14: takes undefined, null and primitives that were thrown for errors", async () => {
    const { runtime, policy } = world();
    for (const thrown of [undefined, null, 0, "", Symbol.iterator]) {
      let ran = 0;
      const call = outcomeOf(
        policy.run(() => {
          ran += 1;
          throw thrown;
        }, safe),
      );
      await runtime.advance(1_000);
      expect(await call).toEqual({ error: thrown });
      expect(ran).toBe(3);
    }
    expect(await policy.run(() => undefined)).toBeUndefined();
  });

  it("case 14: a thenable that settles twice settles once", async () => {
    const { policy } = world();
    const twice = {
      // oxlint-disable-next-line unicorn/no-thenable -- A thenable is what is tested.
      then(resolve: (value: number) => void, reject: (reason: unknown) => void): void {
        resolve(1);
        reject(new Error("too late"));
        resolve(2);
      },
    } as PromiseLike<number>;
    expect(await policy.run(() => twice, safe)).toBe(1);
    expect(policy.stats.retries).toBe(0);
  });

  it("case 15: refuses options that mean nothing, naming them", () => {
    for (const attempts of [0, -1, 1.5, Number.NaN, -Infinity]) {
      expect(() => retry({ attempts })).toThrow(/attempts must be/);
    }
    expect(() => retry({ maxRetryAfterMs: Number.NaN })).toThrow(/maxRetryAfterMs must be/);
    expect(() => retry({ backoff: 5 as never })).toThrow(/backoff must be a function/);
    expect(() => retry({ when: true as never })).toThrow(/when must be a function/);
    expect(() => retry({ budget: {} as never })).toThrow(/budget must be/);
    expect(() => retry({ keepAlive: 1 as never })).toThrow(/keepAlive must be/);
    expect(() => retry({ retries: 1 } as object)).toThrow(/retry.retries/);
  });

  it("case 15: waits for a pause beyond 2³¹ ms exactly, and takes Infinity for no", async () => {
    const delayMs = 2 ** 31 + 5;
    const { runtime, policy } = world({
      backoff: ({ attempt }) => (attempt > 1 ? Infinity : delayMs),
    });
    const work = failing(1, 2, 3);
    const call = outcomeOf(policy.run(work.work, safe));
    await runtime.advance(delayMs - 1);
    expect(work.ran).toBe(1);
    await runtime.advance(1);
    expect(await call).toEqual({ error: 2 });
    expect(work.ran).toBe(2);
  });

  it("case 24: two from one frozen options object share nothing", async () => {
    const options = Object.freeze({ runtime: new ScriptedRuntime(), attempts: 2 });
    const [one, other] = [retry(options), retry(options)];
    expect(one.budget).not.toBe(other.budget);
    await one.run(() => 1);
    expect([one.stats.calls, other.stats.calls]).toEqual([1, 0]);
  });
});

describe("the budget of a retry", () => {
  it("case 22: when empty: first attempts pass, failures come back at once", async () => {
    const { runtime, policy, seen } = world({
      budget: retryBudget({ ratio: 0, perSecond: 0, runtime: new ScriptedRuntime() }),
    });
    const error = new Error("1");
    expect(
      ((await outcomeOf(policy.run(failing(error).work, safe))) as { error: unknown }).error,
    ).toBe(error);
    expect(await policy.run(() => 42)).toBe(42);
    expect(seen).toEqual(["budget empty after 1"]);
    expect(policy.stats.budgetEmpty).toBe(1);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("is its own by default, and keeps retries at a tenth of many calls", async () => {
    const { runtime, policy } = world({ attempts: 10 });
    const calls = Array.from({ length: 2_000 }, () =>
      outcomeOf(policy.run(() => Promise.reject(new Error("down")), safe)),
    );
    await runtime.advance(5_000);
    await Promise.all(calls);
    expect(policy.stats.retries).toBe(200);
  });

  it("is not asked with `false`", async () => {
    const { runtime, policy } = world({ attempts: 10, budget: false });
    const calls = Array.from({ length: 100 }, () =>
      outcomeOf(policy.run(() => Promise.reject(new Error("down")), safe)),
    );
    await runtime.advance(5_000);
    await Promise.all(calls);
    expect(policy.stats.retries).toBe(900);
    expect(policy.budget).toBeUndefined();
  });

  it("is fed by first attempts only, not by those of a retry around it", async () => {
    const runtime = new ScriptedRuntime();
    const deposits: number[] = [];
    const budget = { deposit: () => void deposits.push(1), withdraw: () => true, balance: 1 };
    const outer = retry({ runtime, budget: false, backoff: () => 10 });
    const both = pipe(outer, retry({ runtime, budget, attempts: 1 }));
    const call = both.run(failing(1, 2).work, safe);
    await runtime.advance(20);
    expect(await call).toBe(3);
    expect(deposits).toHaveLength(1);
  });

  it("is not drawn on for what is not retried anyway", async () => {
    const runtime = new ScriptedRuntime();
    const budget = retryBudget({ runtime });
    const { policy } = world({ budget, attempts: 1 });
    await outcomeOf(policy.run(failing(1).work, safe));
    const other = world({ budget });
    await outcomeOf(other.policy.run(failing(1).work));
    await outcomeOf(other.policy.run(failing(retryAfter(Infinity)).work));
    expect(budget.balance).toBe(30);
  });
});

describe("a retry harms nobody", () => {
  it("case 20: that fails at once for ever: timers and I/O of the process still run", async () => {
    const policy = retry({ attempts: Infinity, budget: false, backoff: () => 0 });
    const controller = new AbortController();
    let ran = 0;
    const call = outcomeOf(
      policy.run(
        () => {
          ran += 1;
          throw new Error("at once");
        },
        { ...safe, signal: controller.signal },
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort("enough");
    expect(await call).toEqual({ error: "enough" });
    expect(ran).toBeGreaterThan(1);
    expect(ran).toBeLessThan(100);
  });

  it("tells the runtime's channels what it tells listeners", async () => {
    const { runtime, policy } = world({ name: "billing", attempts: 2 });
    const call = outcomeOf(policy.run(failing(1, 2).work, safe));
    await runtime.advance(100);
    await call;
    expect(runtime.recorded).toEqual([
      { name: "retry.retrying", event: { retry: "billing", attempt: 2, delayMs: 100, error: 1 } },
      {
        name: "retry.exhausted",
        event: { retry: "billing", attempts: 2, reason: "attempts", error: 2 },
      },
    ]);
  });

  it("tells those around it nothing of its attempts, those inside it of each", async () => {
    const { runtime, policy } = world();
    const log: string[] = [];
    const around = spyGuard(runtime, log, "a");
    const inside = spyGuard(runtime, log, "b");
    // Not by `pipe`, which would rightly warn of a limit around a retry.
    const both = new LayeredPolicy([...around.layers, ...policy.layers, ...inside.layers]);
    const call = both.run(failing(1).work, safe);
    await runtime.advance(100);
    expect(await call).toBe(2);
    expect(log.filter((line) => line.startsWith("b"))).toEqual([
      "b in",
      "b failed",
      "b settled",
      "b in",
      "b ok",
      "b settled",
    ]);
    expect(log.filter((line) => line.startsWith("a"))).toEqual(["a in", "a ok", "a settled"]);
  });
});
