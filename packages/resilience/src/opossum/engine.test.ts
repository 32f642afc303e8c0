import { ScriptedRuntime } from "@quorate/core/testing";
import { expect, it } from "vitest";

import { outcomeOf, pending } from "../policy.fixture.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { CircuitBreakerOptions } from "./options.ts";

type Work = () => unknown;

const FAULT = new Error("down");
const fault = (): Promise<never> => Promise.reject(FAULT);
const fine = (): string => "fine";

function circuit(options: CircuitBreakerOptions<[Work]> = {}): {
  readonly runtime: ScriptedRuntime;
  readonly breaker: CircuitBreaker<[Work]>;
} {
  const runtime = new ScriptedRuntime();
  const breaker = new CircuitBreaker((work: Work) => work(), { runtime, ...options });
  return { runtime, breaker };
}

it("opens above the percentage, not at it", async () => {
  const { breaker } = circuit({ volumeThreshold: 4, errorThresholdPercentage: 50 });
  for (const work of [fine, fine, fault, fault]) await outcomeOf(breaker.fire(work));
  expect(breaker.closed).toBe(true);
  await outcomeOf(breaker.fire(fault));
  expect(breaker.opened).toBe(true);
});

it("a failure from before the outage does not open it, at any threshold", async () => {
  const { breaker, runtime } = circuit({ volumeThreshold: 0, resetTimeout: 100, timeout: false });
  const old = pending();
  const late = outcomeOf(breaker.fire(() => old.promise));
  breaker.open();
  await runtime.advance(100);
  void outcomeOf(breaker.fire(() => new Promise(() => {})));
  old.reject(FAULT);
  await late;
  expect(breaker.halfOpen).toBe(true);
});

it("the late success of a probe that was given up on changes nothing", async () => {
  const { breaker, runtime } = circuit({ timeout: false, resetTimeout: 100 });
  breaker.open();
  await runtime.advance(100);
  const hung = pending();
  const probe = outcomeOf(breaker.fire(() => hung.promise));
  await runtime.advance(100);
  hung.resolve("late");
  expect(await probe).toEqual({ value: "late" });
  expect(breaker.opened).toBe(true);
});

it("a probe that found no place has not been one", async () => {
  const { breaker, runtime } = circuit({ capacity: 1, timeout: false, resetTimeout: 100 });
  const old = pending();
  const occupant = outcomeOf(breaker.fire(() => old.promise));
  breaker.open();
  await runtime.advance(100);
  expect(await outcomeOf(breaker.fire(fine))).toMatchObject({ error: { code: "ESEMLOCKED" } });
  expect([breaker.halfOpen, breaker.pendingClose]).toEqual([true, true]);
  old.resolve("gone");
  await occupant;
  expect(await breaker.fire(fine)).toBe("fine");
  expect(breaker.closed).toBe(true);
});

it("closing it leaves no timer", () => {
  const { breaker, runtime } = circuit();
  breaker.open();
  expect(runtime.pendingTimers).toBe(1);
  breaker.close();
  expect(runtime.pendingTimers).toBe(0);
});

it("what an action does after its timeout is not counted again", async () => {
  const { breaker, runtime } = circuit({ timeout: 10 });
  const work = pending();
  const call = outcomeOf(breaker.fire(() => work.promise));
  await runtime.advance(10);
  expect(await call).toMatchObject({ error: { code: "ETIMEDOUT" } });
  work.resolve("late");
  await runtime.advance(0);
  expect(breaker.stats).toMatchObject({ successes: 0, failures: 1, timeouts: 1, fires: 1 });
});

it("a shared run that fails late does not end the sharing of the next", async () => {
  const { breaker, runtime } = circuit({
    coalesce: true,
    coalesceTTL: 10,
    timeout: false,
    cacheGetKey: () => "key",
  });
  const [first, second] = [pending(), pending()];
  const early = outcomeOf(breaker.fire(() => first.promise));
  await runtime.advance(20);
  const next = outcomeOf(breaker.fire(() => second.promise));
  first.reject(FAULT);
  await early;
  const shared = outcomeOf(breaker.fire(() => "a run of its own"));
  second.resolve("shared");
  expect([await next, await shared]).toEqual([{ value: "shared" }, { value: "shared" }]);
});

it("with renewal a timeout aborts the call's own controller, not the given one", async () => {
  const abortController = new AbortController();
  const { breaker, runtime } = circuit({
    abortController,
    autoRenewAbortController: true,
    timeout: 10,
  });
  let own: AbortSignal | undefined;
  const call = outcomeOf(
    breaker.fire(() => {
      own = breaker.getSignal();
      return new Promise(() => {});
    }),
  );
  await runtime.advance(10);
  await call;
  expect([own?.aborted, abortController.signal.aborted]).toEqual([true, false]);
});
