import { getEventListeners } from "node:events";

import { QuorateError, refuse } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { breaker } from "./breaker.ts";
import { FAULT, faults, plainBreaker, successes } from "./breaker.fixture.ts";
import { outcomeOf, spyGuard } from "./policy.fixture.ts";
import { pipe } from "./policy.ts";
import { rejection } from "./rejection.ts";
import { timeout } from "./timeout.ts";

describe("a closed breaker", () => {
  it("hands values and errors through untouched", async () => {
    const { breaker: policy } = plainBreaker({ trip: { minCalls: 100 } });
    const value = { some: "value" };
    expect(await policy.run(() => value)).toBe(value);
    for (const error of [FAULT, undefined, null, "text", 0]) {
      const thrown = await outcomeOf(policy.run(() => Promise.reject(error)));
      expect(thrown).toEqual({ error });
    }
  });

  it("opens at the fault rate, and not below the volume", async () => {
    const { breaker: policy } = plainBreaker();
    await faults(policy, 3);
    expect(policy.state).toBe("closed");
    await faults(policy, 1);
    expect(policy.state).toBe("open");
  });

  it("opens at exactly the rate, and stays closed below it", async () => {
    const { breaker: policy } = plainBreaker({ trip: { minCalls: 10, faultRate: 0.5 } });
    await successes(policy, 6);
    await faults(policy, 5);
    expect(policy.state).toBe("closed");
    await faults(policy, 1);
    expect(policy.state).toBe("open");
  });

  it("forgets faults in a row when its state changes", async () => {
    const { breaker: policy } = plainBreaker({ trip: { consecutive: 3 } });
    await faults(policy, 2);
    policy.reset();
    await faults(policy, 2);
    expect(policy.state).toBe("closed");
  });

  it("shows a window from which time has struck the old, though nobody calls", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await successes(policy, 2);
    await runtime.advance(20_000);
    expect(policy.stats.ok).toBe(0);
  });

  it("is not opened by a success, though the volume is reached by it", async () => {
    const { breaker: policy } = plainBreaker();
    await faults(policy, 3);
    await successes(policy, 1);
    expect(policy.state).toBe("closed");
  });

  it("opens after faults in a row, whatever the volume, if asked to", async () => {
    const trip = { minCalls: 100, consecutive: 3 };
    const { breaker: policy } = plainBreaker({ trip });
    await faults(policy, 2);
    await successes(policy, 1);
    await faults(policy, 2);
    expect(policy.state).toBe("closed");
    await faults(policy, 1);
    expect(policy.state).toBe("open");
  });

  it("opens when calls are slow, though they succeed", async () => {
    const trip = { minCalls: 4, slowOverMs: 100, slowRate: 0.5 };
    const { breaker: policy, runtime } = plainBreaker({ trip });
    const slowly = (ms: number) => policy.run(() => runtime.advance(ms));
    await slowly(99);
    await slowly(99);
    await slowly(100);
    expect(policy.stats).toMatchObject({ ok: 3, slow: 1, state: "closed" });
    await slowly(100);
    expect(policy.state).toBe("open");
  });

  it("counts by number of calls, if asked to: faults of an hour ago still count", async () => {
    const window = { lastCalls: 4 };
    const { breaker: policy, runtime } = plainBreaker({ window, trip: { faultRate: 0.5 } });
    await faults(policy, 1);
    await successes(policy, 2);
    await runtime.advance(3_600_000);
    expect(policy.state).toBe("closed");
    await faults(policy, 1);
    expect(policy.state).toBe("open");
  });

  it("case 6: faults of an hour ago do not count in a window by time", async () => {
    const { breaker: policy, runtime } = plainBreaker({ trip: { minCalls: 6 } });
    await faults(policy, 5);
    await runtime.advance(3_600_000);
    await faults(policy, 1);
    expect(policy.state).toBe("closed");
  });

  it("case 7: a loop that stalled finds an empty window", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await faults(policy, 3);
    runtime.stall(30_000);
    await faults(policy, 1);
    expect(policy.state).toBe("closed");
    expect(policy.stats.faults).toBe(1);
  });

  it("case 10: the wall clock may jump either way", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await faults(policy, 3);
    runtime.stepWallClock(3_600_000);
    await faults(policy, 1);
    expect(policy.state).toBe("open");
    runtime.stepWallClock(-7_200_000);
    await runtime.advance(1_000);
    await successes(policy, 1);
    expect(policy.state).toBe("closed");
  });
});

describe("what does not count", () => {
  it("case 11: rejections of other policies, cancels, refusals and wrong input", async () => {
    const { breaker: policy, runtime } = plainBreaker({ trip: { minCalls: 1 } });
    const full = rejection("BULKHEAD_FULL", "full", { bulkhead: "b", running: 1, queued: 0 });
    const limited = rejection("RATE_LIMITED", "limited", { limiter: "l", retryAfterMs: 1 });
    const wrong = new QuorateError("INVALID_ARGUMENT", "wrong", {
      effect: "none",
      details: { option: "x", value: "y" },
    });
    const notFound = Object.assign(new Error("not found"), { status: 404 });
    for (const error of [full, limited, wrong, notFound, refuse("sold-out")]) {
      await faults(policy, 5, error);
    }
    const controller = new AbortController();
    const call = outcomeOf(policy.run(() => new Promise(() => {}), { signal: controller.signal }));
    await runtime.advance(0);
    controller.abort("enough");
    expect(await call).toEqual({ error: "enough" });
    expect(policy.stats).toMatchObject({ state: "closed", ok: 0, faults: 0, ignored: 26 });
  });

  it("counts a timeout and an unknown outcome", async () => {
    const { breaker: policy, runtime } = plainBreaker({ trip: { minCalls: 2 } });
    const late = pipe(policy, timeout({ timeoutMs: 100, runtime }));
    const call = outcomeOf(late.run(() => new Promise(() => {})));
    await runtime.advance(100);
    expect(await call).toMatchObject({ error: { code: "TIMEOUT" } });
    await faults(policy, 1, Object.assign(new Error("too many"), { status: 429 }));
    expect(policy.state).toBe("open");
  });

  it("does not count a call that a guard further in let not pass", async () => {
    const { breaker: policy, runtime } = plainBreaker({ trip: { minCalls: 1 } });
    const inner = spyGuard(runtime, [], "limit", () => {
      throw FAULT;
    });
    await faults(pipe(policy, inner), 3);
    expect(policy.stats).toMatchObject({ state: "closed", ok: 0, faults: 0 });
  });

  it("does not ask its classifier about cancels and rejections", async () => {
    const { breaker: policy, runtime } = plainBreaker({
      trip: { minCalls: 1 },
      classify: () => "fault",
    });
    await faults(policy, 1, rejection("THROTTLED", "no", { throttle: "t", refusalRate: 1 }));
    const controller = new AbortController();
    const call = outcomeOf(policy.run(() => new Promise(() => {}), { signal: controller.signal }));
    await runtime.advance(0);
    controller.abort(new Error("enough"));
    await call;
    expect(policy.stats).toMatchObject({ state: "closed", ignored: 2 });
  });

  it("follows its classifier, with values and errors alike", async () => {
    const { breaker: policy } = plainBreaker({
      trip: { minCalls: 1 },
      classify: (outcome) => {
        if (!outcome.ok) return "ok";
        return outcome.value === "busy" ? "fault" : "ignore";
      },
    });
    await faults(policy, 3);
    await policy.run(() => "fine");
    expect(policy.stats).toMatchObject({ ok: 3, faults: 0, ignored: 1 });
    await policy.run(() => "fine");
    const many = plainBreaker({ trip: { minCalls: 1 }, classify: () => "fault" });
    await many.breaker.run(() => "busy");
    expect(many.breaker.state).toBe("open");
  });

  it("case 13: a classifier that throws, or talks nonsense, is not followed", async () => {
    for (const classify of [
      () => {
        throw new Error("my classifier");
      },
      () => "nonsense" as "ok",
    ]) {
      const { breaker: policy, runtime } = plainBreaker({ trip: { minCalls: 1 }, classify });
      expect(await policy.run(() => "value")).toBe("value");
      expect(policy.stats.ok).toBe(1);
      expect(await outcomeOf(policy.run(() => Promise.reject(FAULT)))).toEqual({ error: FAULT });
      expect(policy.stats).toMatchObject({ state: "open" });
      const reports = runtime.recorded.filter(({ name }) => name === "resilience.listener-failed");
      expect(reports).toHaveLength(2);
      expect(reports[0]?.event).toMatchObject({ what: "classify" });
    }
  });

  it("counts a thrown proxy that answers no question as a fault", async () => {
    const { breaker: policy } = plainBreaker({ trip: { minCalls: 1 } });
    const refusesAll = () => {
      throw new Error("no");
    };
    const hostile = new Proxy({}, { has: refusesAll, get: refusesAll });
    const thrown = await policy
      .run(() => Promise.reject(hostile))
      .catch((error) => error === hostile);
    expect(thrown).toBe(true);
    expect(policy.state).toBe("open");
  });

  it("case 14: undefined, sync throws, null and a thenable that settles twice", async () => {
    const { breaker: policy } = plainBreaker({ trip: { minCalls: 10 } });
    expect(await policy.run(() => undefined)).toBeUndefined();
    const thrower = (): never => {
      throw FAULT;
    };
    expect(await outcomeOf(policy.run(thrower))).toEqual({ error: FAULT });
    expect(await outcomeOf(policy.run(() => Promise.reject(null)))).toEqual({ error: null });
    const twice = {
      // oxlint-disable-next-line unicorn/no-thenable
      then(resolve: (value: string) => void, reject: (error: unknown) => void) {
        resolve("first");
        resolve("second");
        reject(FAULT);
      },
    };
    expect(await policy.run(() => twice as unknown as Promise<string>)).toBe("first");
    expect(policy.stats).toMatchObject({ ok: 2, faults: 2 });
  });
});

describe("an open breaker", () => {
  it("rejects at once, without running the work, and says when to ask again", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await faults(policy, 4);
    await runtime.advance(400);
    let runs = 0;
    const rejected = await outcomeOf(policy.run(() => (runs += 1)));
    const details = { breaker: "billing", state: "open", retryAfterMs: 600 };
    expect(rejected).toMatchObject({ error: { code: "BREAKER_OPEN", effect: "none", details } });
    expect((rejected as { error: Error }).error.message).toContain('"billing"');
    expect(runs).toBe(0);
    expect(runtime.pendingTimers).toBe(0);
    await runtime.advance(599.5);
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject({
      error: { details: { retryAfterMs: 1 } }, // To wait it out must be enough.
    });
  });

  it("case 8: 10⁶ rejects do not move the rate", async () => {
    const { breaker: policy, runtime } = plainBreaker({ trip: { minCalls: 5 }, rampMs: 0 });
    await faults(policy, 5);
    const guard = policy.layers[0] as unknown as { enter(): unknown };
    for (let index = 0; index < 1_000_000; index++) {
      try {
        guard.enter();
      } catch {
        // As expected: it is open.
      }
    }
    expect(policy.stats.rejected).toBe(1_000_000);
    await runtime.advance(1_000);
    await successes(policy, 1);
    expect(policy.state).toBe("closed");
    await faults(policy, 5);
    expect(policy.state).toBe("open");
  }, 30_000);

  it("stays open longer with each failed try, to a bound, and starts anew once well", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    const lengths: unknown[] = [];
    policy.on("opened", ({ forMs }) => lengths.push(forMs));
    await faults(policy, 4);
    for (let round = 0; round < 4; round++) {
      await runtime.advance(8_000);
      await faults(policy, 1);
    }
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
    await runtime.advance(8_000);
    await successes(policy, 1);
    await faults(policy, 4);
    expect(lengths.at(-1)).toBe(1_000);
  });

  it("draws half of the time by lot by default: equal jitter", async () => {
    const lengths: number[] = [];
    for (let seed = 1; seed <= 200; seed++) {
      const runtime = new ScriptedRuntime({ seed });
      const policy = breaker({ runtime });
      policy.on("opened", ({ forMs }) => lengths.push(forMs as number));
      policy.trip();
    }
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1_000);
    expect(Math.min(...lengths)).toBeLessThan(1_100);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(2_000);
    expect(Math.max(...lengths)).toBeGreaterThan(1_900);
  });

  it("with an infinite reset time stays open until it is reset by hand", async () => {
    const { breaker: policy, runtime } = plainBreaker({ reset: { afterMs: Infinity } });
    await faults(policy, 4);
    await runtime.advance(1e12);
    const rejected = await outcomeOf(policy.run(() => 1));
    expect(rejected).toMatchObject({ error: { code: "BREAKER_OPEN" } });
    expect((rejected as { error: { details: object } }).error.details).not.toHaveProperty(
      "retryAfterMs",
    );
    policy.reset();
    expect(await policy.run(() => 1)).toBe(1);
  });
});

describe("the parent signal of a million calls", () => {
  it("case 18: keeps no listener of a breaker's calls", async () => {
    const { breaker: policy } = plainBreaker();
    const { signal } = new AbortController();
    for (let index = 0; index < 1_000; index++) await policy.run(() => 1, { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});
