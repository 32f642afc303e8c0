import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";
import { describe, expect, it } from "vitest";

import { sharedRateLimit, type SharedRateLimitOptions } from "./shared-rate-limit.ts";
import { sharedRetryBudget } from "./shared-retry-budget.ts";

const LIMIT: SharedRateLimitOptions = { limit: 100, perMs: 1_000, burst: 20 };

function world() {
  const runtime = new ScriptedRuntime();
  const store = createMemoryStore({ runtime });
  const backend = (): MemoryBackend => memoryBackend({ store, runtime });
  return { runtime, backend };
}

describe("sharedRateLimit", () => {
  it("lets the first call of an idle instance wait for its slice, and pass", async () => {
    const { runtime, backend } = world();
    const one = backend();
    one.faults.delay(50);
    const limiter = sharedRateLimit(one, "api", LIMIT);
    const fates = Array.from({ length: 5 }, () => limiter.run(() => runtime.time.monotonicMs()));
    await runtime.advance(200);
    expect(await Promise.all(fates)).toEqual([100, 100, 100, 100, 100]);
    expect(limiter.stats).toMatchObject({ passed: 5, instances: 1, isRightful: true });
    expect(limiter.stats.share).toBeGreaterThan(0.4);
    one.faults.delay(0);
    await limiter.close();
  });

  it("refuses after a period at most where the store does not answer", async () => {
    const { runtime, backend } = world();
    const one = backend();
    one.faults.pauseReplies();
    const limiter = sharedRateLimit(one, "api", { ...LIMIT, periodMs: 400 });
    const lost: unknown[] = [];
    limiter.on("storeLost", ({ error }) => lost.push(error));
    const refused = limiter.run(() => 1).catch((error: unknown) => error);
    await runtime.advance(401);
    const error = await refused;
    if (!isQuorateError(error, "RATE_LIMITED")) throw error;
    expect(error.details).toEqual({ limiter: "api", retryAfterMs: 400 });
    expect(lost).toEqual(["TIMEOUT"]);
    // And at once from then on, while the store is asked in the background.
    await expect(limiter.run(() => 1)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    one.faults.resumeReplies();
    await runtime.advance(500);
    expect(await limiter.run(() => "passed")).toBe("passed");
    await limiter.close();
  });

  it("frees its slice by close, and refuses what comes after", async () => {
    const { runtime, backend } = world();
    const [one, two] = [backend(), backend()];
    const first = sharedRateLimit(one, "api", LIMIT);
    const second = sharedRateLimit(two, "api", LIMIT);
    for (let step = 0; step < 100; step++) {
      while (first.tryTake());
      await runtime.advance(50);
    }
    expect(first.stats.share).toBeGreaterThan(0.9);
    await first.close();
    await first.close();
    await expect(first.run(() => 1)).rejects.toMatchObject({ code: "CLOSED", effect: "none" });
    expect(() => first.tryTake()).toThrow(/closed/);
    // The last permits are used up; parts that nobody holds save new ones.
    await runtime.advance(50);
    expect(await second.run(() => "passed")).toBe("passed");
    expect(second.stats).toMatchObject({ instances: 1 });
    await second.close();
    await runtime.advance(25);
    // The store's own, for the record's retention.
    expect(runtime.pendingTimers).toBe(1);
  });

  it("sends those in line away when it is closed", async () => {
    const { runtime, backend } = world();
    const limiter = sharedRateLimit(backend(), "api", { ...LIMIT, burst: 1, waitMs: 5_000 });
    const fates = Array.from({ length: 3 }, () =>
      limiter.run(() => "ran").catch((error: { code: string }) => error.code),
    );
    await runtime.advance(0);
    const closed = limiter.close();
    expect(await Promise.all(fates)).toEqual(["ran", "CLOSED", "CLOSED"]);
    await closed;
  });

  it("lets nobody in line pass by a slice whose lease has run out", async () => {
    const { runtime, backend } = world();
    const one = backend();
    const options = { limit: 1, perMs: 2_900, burst: 1, waitMs: 60_000 };
    const limiter = sharedRateLimit(one, "api", { ...options, onStoreLost: "stop" });
    expect(await limiter.run(() => "passed")).toBe("passed");
    const waiting = limiter.run(() => runtime.time.monotonicMs());
    one.faults.cut();
    // By our share of 97 % the permit would be there at 2.993 s; the lease is over at 2.968 s.
    await runtime.advance(10_000);
    expect(limiter.stats).toMatchObject({ passed: 1, waiting: 1, share: 0, isRightful: false });
    one.faults.restore();
    await runtime.advance(5_000);
    expect(await waiting).toBeGreaterThan(10_000);
    await limiter.close();
  });

  it("gives a fresh instance no more than was saved up by parts that nobody held", async () => {
    const { runtime, backend } = world();
    let passed = 0;
    // Born, drained and dead, fifty times in half a second: a burst each would be a thousand.
    for (let life = 0; life < 50; life++) {
      const limiter = sharedRateLimit(backend(), "api", LIMIT);
      await limiter.run(() => (passed += 1)).catch(() => {});
      while (limiter.tryTake()) passed += 1;
      await limiter.close();
      await runtime.advance(10);
    }
    expect(passed).toBeLessThanOrEqual(20 + 50 + 1);
    expect(passed).toBeGreaterThan(20);
  });

  it("lets no more instances in than may be, and lets them in when one is gone", async () => {
    const { runtime, backend } = world();
    const options = { ...LIMIT, maxInstances: 1, periodMs: 100 };
    const first = sharedRateLimit(backend(), "api", options);
    const second = sharedRateLimit(backend(), "api", options);
    expect(await first.run(() => 1)).toBe(1);
    await expect(second.run(() => 1)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await first.close();
    expect(second.tryTake()).toBe(false);
    await runtime.advance(100);
    expect(second.tryTake()).toBe(true);
    await second.close();
  });

  it("leaves a record alone that is not one of ours, and says so", async () => {
    const { runtime, backend } = world();
    const one = backend();
    await one.kv.put("quorate-rates/api", "somebody's");
    const limiter = sharedRateLimit(one, "api", { ...LIMIT, onStoreLost: "local" });
    const lost: unknown[] = [];
    limiter.on("storeLost", ({ error }) => lost.push(error));
    expect(limiter.tryTake()).toBe(false);
    await runtime.advance(1);
    expect(lost).toEqual(["RECORD_INVALID"]);
    expect(limiter.stats).toMatchObject({ share: 39 / 10_000, isRightful: false });
    const entry = await one.kv.get("quorate-rates/api");
    expect(Buffer.from(entry?.value ?? []).toString()).toBe("somebody's");
    await limiter.close();
  });

  it.each([
    [{ periodMs: 1 }, "periodMs"],
    [{ maxInstances: 1_025 }, "maxInstances"],
    [{ onStoreLost: "panic" as never }, "onStoreLost"],
    [{ burst: 0 }, "burst"],
    [{ exact: true } as never, "sharedRateLimit.exact"],
  ])("refuses %o by name", (bad, option) => {
    const { backend } = world();
    expect(() => sharedRateLimit(backend(), "api", { ...LIMIT, ...bad })).toThrow(
      new RegExp(`\\b${option} must be`),
    );
    expect(() => sharedRateLimit({} as never, "api", LIMIT)).toThrow(/backend must be/);
    expect(() => sharedRateLimit(backend(), "a//b", LIMIT)).toThrow(/name must be/);
  });
});

describe("sharedRetryBudget", () => {
  it("grants what was earned without the store, and the floor once for the fleet", async () => {
    const { runtime, backend } = world();
    const budgets = Array.from({ length: 10 }, () =>
      sharedRetryBudget(backend(), "billing", { ratio: 0.1, perSecond: 3, ttlMs: 10_000 }),
    );
    for (const budget of budgets) for (let call = 0; call < 320; call++) budget.deposit();
    const earned = budgets.map((budget) => {
      let granted = 0;
      while (budget.withdraw()) granted += 1;
      return granted;
    });
    expect(earned).toEqual(Array.from({ length: 10 }, () => 32));
    let granted = 0;
    for (let step = 0; step < 300; step++) {
      for (const budget of budgets) if (budget.withdraw()) granted += 1;
      await runtime.advance(100);
    }
    // Thirty saved up and three a second for thirty seconds, of which the windows keep something.
    expect(granted).toBeLessThanOrEqual(30 + 90 + 10 + 320);
    expect(granted).toBeGreaterThan(60);
    await Promise.all(budgets.map((budget) => budget.close()));
    expect(budgets.every((budget) => !budget.withdraw())).toBe(true);
  });

  it("asks the store only when it needs the floor", async () => {
    const { runtime, backend } = world();
    const one = backend();
    one.faults.cut();
    const lost = (): number =>
      runtime.recorded.filter(({ name }) => name === "retry-budget.store-lost").length;
    const budget = sharedRetryBudget(one, "billing");
    for (let call = 0; call < 160; call++) budget.deposit();
    expect(budget.withdraw()).toBe(true);
    await runtime.advance(5_000);
    expect([lost(), runtime.pendingTimers]).toEqual([0, 0]);
    while (budget.withdraw());
    await runtime.advance(100);
    expect(lost()).toBe(1);
    one.faults.restore();
    await runtime.advance(1_000);
    expect(budget.withdraw()).toBe(true);
    expect(budget.balance).toBeGreaterThan(0);
    await budget.close();
  });

  it.each([
    [{ perSecond: 0 }, "perSecond"],
    [{ ratio: -1 }, "ratio"],
    [{ ttlMs: 0 }, "ttlMs"],
  ])("refuses %o by name", (bad, option) => {
    const { backend } = world();
    expect(() => sharedRetryBudget(backend(), "billing", bad)).toThrow(
      new RegExp(`\\b${option} must be`),
    );
  });
});
