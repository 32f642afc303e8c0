import { describe, expect, it } from "vitest";

import { backoff } from "./backoff.ts";
import { failing, retryAfter, safe, world } from "./retry.fixture.ts";
import { outcomeOf } from "./policy.fixture.ts";
import { breaker } from "./breaker.ts";
import { pipe } from "./policy.ts";
import { rejection } from "./rejection.ts";
import { timeout } from "./timeout.ts";

describe("the deadline of a retry", () => {
  it("case 21: is never slept past: the call fails at once, with its own error", async () => {
    const { runtime, policy, seen } = world({ attempts: Infinity });
    const work = failing(...Array.from({ length: 99 }, (_, index) => index + 1));
    let settledAtMs = -1;
    const call = outcomeOf(policy.run(work.work, { ...safe, timeoutMs: 250 }));
    void call.then(() => (settledAtMs = runtime.time.monotonicMs()));
    await runtime.advance(1_000);
    expect(await call).toEqual({ error: 3 });
    expect(settledAtMs).toBe(200);
    expect(seen.at(-1)).toBe("exhausted 3 deadline");
    expect(runtime.pendingTimers).toBe(0);
  });

  it("case 21: a retryAfter that does not fit it fails the call at once, as it is", async () => {
    const { policy, seen } = world();
    const error = retryAfter(1_000);
    expect(await outcomeOf(policy.run(failing(error).work, { timeoutMs: 1_000 }))).toEqual({
      error,
    });
    expect(seen).toEqual(["exhausted 1 deadline"]);
  });

  it("bounds all attempts, where one of an attempt bounds only that", async () => {
    const { runtime, policy } = world({ attempts: 10 });
    const whole = pipe(policy, timeout({ timeoutMs: 50, runtime }));
    let ran = 0;
    const hang = (): Promise<never> => {
      ran += 1;
      return new Promise(() => {});
    };
    const call = outcomeOf(whole.run(hang, { ...safe, timeoutMs: 400 }));
    await runtime.advance(350);
    expect(await call).toMatchObject({ error: { code: "TIMEOUT", details: { timeoutMs: 50 } } });
    expect(ran).toBe(3);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("a pause of no time", () => {
  it("is a turn of the event loop, and no mistake of the backoff", async () => {
    const { runtime, policy, seen } = world({ backoff: () => 0 });
    const work = failing(1, 2);
    const call = policy.run(work.work, safe);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect(work.ran).toBe(1);
    await runtime.advance(0);
    expect(await call).toBe(3);
    expect(seen).toEqual(["retrying 2 in 0", "retrying 3 in 0"]);
  });
});

describe("what a dependency asks for", () => {
  it("is waited for exactly, whatever the backoff", async () => {
    const { runtime, policy, seen } = world({ backoff: backoff.full() });
    const work = failing(retryAfter(1_234));
    const call = policy.run(work.work);
    await runtime.advance(1_233);
    expect(work.ran).toBe(1);
    await runtime.advance(1);
    expect(await call).toBe(2);
    expect(seen).toEqual(["retrying 2 in 1234"]);
  });

  it("is not waited for beyond maxRetryAfterMs, a minute by default", async () => {
    const { policy, seen } = world();
    for (const ms of [60_001, Infinity]) {
      const error = retryAfter(ms);
      expect(await outcomeOf(policy.run(failing(error).work))).toEqual({ error });
      expect(seen.at(-1)).toBe("exhausted 1 retry-after");
    }
  });

  it("is waited for up to maxRetryAfterMs itself", async () => {
    const { runtime, policy } = world({ maxRetryAfterMs: 300 });
    const call = policy.run(failing(retryAfter(300)).work);
    await runtime.advance(300);
    expect(await call).toBe(2);
  });

  it("does not disturb what the backoff remembers", async () => {
    const steps: number[] = [];
    const { runtime, policy } = world({
      attempts: 4,
      backoff({ previousMs }) {
        steps.push(previousMs);
        return previousMs + 10;
      },
    });
    const call = policy.run(failing(1, retryAfter(500), 2).work, safe);
    await runtime.advance(1_000);
    expect(await call).toBe(4);
    expect(steps).toEqual([0, 10]);
  });

  it("by an open breaker is waited for only within a deadline", async () => {
    const open = rejection("BREAKER_OPEN", "open", {
      breaker: "b",
      state: "open",
      retryAfterMs: 500,
    });
    const { runtime, policy } = world();
    expect(await outcomeOf(policy.run(failing(open).work))).toEqual({ error: open });
    const late = outcomeOf(policy.run(failing(open).work, { timeoutMs: 500 }));
    expect(await late).toEqual({ error: open });
    const call = policy.run(failing(open).work, { timeoutMs: 501 });
    await runtime.advance(500);
    expect(await call).toBe(2);
  });

  it("by an isolated breaker is nothing: it is final", async () => {
    const held = rejection("BREAKER_OPEN", "held", { breaker: "b", state: "isolated" });
    const { policy } = world();
    const call = outcomeOf(policy.run(failing(held).work, { ...safe, timeoutMs: 60_000 }));
    expect(await call).toEqual({ error: held });
  });
});

describe("a retry around a breaker", () => {
  it("waits for it as long as it asks, within the deadline, and then gets through", async () => {
    const { runtime, policy, seen } = world({
      attempts: 5,
      backoff: backoff.constant({ delayMs: 1 }),
    });
    const guarded = breaker({
      trip: { consecutive: 2 },
      reset: { afterMs: 5_000, jitter: 0 },
      runtime,
    });
    const work = failing(new Error("1"), new Error("2"));
    const both = pipe(policy, guarded);
    const first = outcomeOf(both.run(work.work, { ...safe, timeoutMs: 1_000 }));
    await runtime.advance(10);
    // Two attempts opened it; the third would have to wait for longer than there is time.
    expect(await first).toMatchObject({ error: { message: "2" } });
    expect(seen.at(-1)).toBe("exhausted 3 deadline");
    const call = both.run(work.work, { timeoutMs: 10_000 });
    await runtime.advance(5_000);
    expect(await call).toBe(3);
    expect(seen.at(-1)).toMatch(/^retrying 2 in 49\d\d/);
  });
});
