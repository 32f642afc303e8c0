import { retryAfterMsOf } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { breaker } from "./breaker.ts";
import { FAULT, faults, plainBreaker, successes, underWay } from "./breaker.fixture.ts";
import { outcomeOf, pending, spyGuard } from "./policy.fixture.ts";
import { pipe } from "./policy.ts";
import { rejection } from "./rejection.ts";

const THREE = { count: 3, passes: 2, timeoutMs: 500 };

describe("half-open", () => {
  it("closes after the probes that must pass, and opens when they no longer can", async () => {
    for (const [outcomes, state] of [
      ["ok ok", "closed"],
      ["fault ok ok", "closed"],
      ["ok fault ok", "closed"],
      ["fault fault", "open"],
      ["ok fault fault", "open"],
      ["fault", "half-open"],
    ] as const) {
      const { breaker: policy, runtime } = plainBreaker({ probes: THREE });
      await faults(policy, 4);
      await runtime.advance(1_000);
      for (const outcome of outcomes.split(" ")) {
        await (outcome === "ok" ? successes : faults)(policy, 1);
      }
      expect([outcomes, policy.state]).toEqual([outcomes, state]);
    }
  });

  it("case 1 and 2: results of calls from before are dropped and counted", async () => {
    for (const settle of ["resolve", "reject"] as const) {
      const { breaker: policy, runtime } = plainBreaker();
      const old = underWay(policy);
      await faults(policy, 4);
      await runtime.advance(1_000);
      const probe = underWay(policy);
      await runtime.advance(0);
      expect(policy.state).toBe("half-open");
      old[settle](FAULT);
      await old.outcome;
      expect(policy.stats).toMatchObject({ state: "half-open", staleResults: 1 });
      probe.resolve("back");
      await probe.outcome;
      expect(policy.stats).toMatchObject({ state: "closed", ok: 0, staleResults: 1 });
    }
  });

  it("drops a result of two states ago once closed, and of one state ago while open", async () => {
    const { breaker: policy, runtime } = plainBreaker({ trip: { minCalls: 1 } });
    const old = underWay(policy);
    await faults(policy, 1);
    await runtime.advance(1_000);
    await successes(policy, 1);
    old.reject(FAULT);
    await old.outcome;
    expect(policy.stats).toMatchObject({ state: "closed", staleResults: 1, faults: 0 });
    const sibling = underWay(policy);
    await faults(policy, 1);
    sibling.resolve("too late to matter");
    await sibling.outcome;
    expect(policy.stats).toMatchObject({ state: "open", staleResults: 2 });
  });

  it("case 3: a probe that hangs fails after its own time; its later word is stale", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await faults(policy, 4);
    await runtime.advance(1_000);
    const hung = underWay(policy);
    await runtime.advance(499);
    expect(policy.state).toBe("half-open");
    await runtime.advance(1);
    expect(policy.state).toBe("open");
    await runtime.advance(2_000);
    const next = underWay(policy);
    hung.resolve("a success of long ago");
    await hung.outcome;
    expect(policy.stats).toMatchObject({ state: "half-open", staleResults: 1 });
    next.resolve("back");
    await next.outcome;
    expect(policy.state).toBe("closed");
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("needs no timer for a probe whose time is unbounded, and none once it has ended", async () => {
    const { breaker: policy, runtime } = plainBreaker({
      probes: { count: 1, timeoutMs: Infinity },
    });
    await faults(policy, 4);
    await runtime.advance(1_000);
    const probe = underWay(policy);
    await runtime.advance(1e9);
    expect([policy.state, runtime.pendingTimers]).toEqual(["half-open", 0]);
    probe.resolve("back");
    await probe.outcome;
    expect(policy.state).toBe("closed");
  });

  it("case 4: of 1,000 callers exactly 3 run, and 997 are rejected in the same tick", async () => {
    const { breaker: policy, runtime } = plainBreaker({ probes: THREE });
    await faults(policy, 4);
    await runtime.advance(1_200);
    const work = pending<string>();
    let runs = 0;
    const errors: unknown[] = [];
    for (let index = 0; index < 1_000; index++) {
      policy
        .run(() => {
          runs += 1;
          return work.promise;
        })
        .catch((error: unknown) => errors.push(error));
    }
    await Promise.resolve().then(() => {});
    expect(runs).toBe(3);
    expect(errors).toHaveLength(997);
    expect(errors[0]).toMatchObject({ code: "BREAKER_OPEN", effect: "none" });
    // Told to come back soon, by lot: no later than the probes' own deadline, not all at once.
    const waits = errors.map((error) => retryAfterMsOf(error) ?? Infinity);
    expect(Math.max(...waits)).toBeLessThanOrEqual(500);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(250);
    expect(new Set(waits).size).toBeGreaterThan(100);
    work.resolve("back");
    await runtime.advance(0);
    expect(policy.state).toBe("closed");
  });

  it("case 5: a probe that was cancelled, ignored or kept out gives its place back", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await faults(policy, 4);
    await runtime.advance(1_000);
    const controller = new AbortController();
    const cancelled = outcomeOf(
      policy.run(() => new Promise(() => {}), { signal: controller.signal }),
    );
    await runtime.advance(0);
    controller.abort(new Error("changed my mind"));
    await cancelled;
    expect(policy.state).toBe("half-open");
    await faults(policy, 1, Object.assign(new Error("no such thing"), { status: 404 }));
    await faults(policy, 1, rejection("THROTTLED", "held back", { throttle: "t", refusalRate: 1 }));
    const keptOut = spyGuard(runtime, [], "limit", () => {
      throw FAULT;
    });
    await faults(pipe(policy, keptOut), 1);
    expect(policy.state).toBe("half-open");
    await successes(policy, 1);
    expect(policy.stats).toMatchObject({ state: "closed", staleResults: 0 });
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("a cancelled probe that comes back after its trial frees no second place", async () => {
    const { breaker: policy, runtime } = plainBreaker({
      probes: { count: 2, passes: 2, timeoutMs: 500 },
    });
    await faults(policy, 4);
    await runtime.advance(1_000);
    const controller = new AbortController();
    const slow = outcomeOf(policy.run(() => new Promise(() => {}), { signal: controller.signal }));
    await faults(policy, 1);
    expect(policy.state).toBe("open");
    await runtime.advance(2_000);
    const [first, second] = [underWay(policy), underWay(policy)];
    controller.abort("late");
    await slow;
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject({ error: { code: "BREAKER_OPEN" } });
    first.resolve(1);
    second.resolve(2);
    await second.outcome;
    expect(policy.state).toBe("closed");
  });

  it("a probe that was given up on and is then cancelled frees no place either", async () => {
    const { breaker: policy, runtime } = plainBreaker({ probes: THREE });
    policy.trip();
    await runtime.advance(1_000);
    const controller = new AbortController();
    const hung = outcomeOf(policy.run(() => new Promise(() => {}), { signal: controller.signal }));
    await runtime.advance(500);
    controller.abort("late");
    await hung;
    const [second, third] = [underWay(policy), underWay(policy)];
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject({ error: { code: "BREAKER_OPEN" } });
    second.resolve(1);
    third.resolve(1);
    await third.outcome;
    expect(policy.state).toBe("closed");
  });

  it("keeps no timer for probes of a trial that is over", async () => {
    const { breaker: policy, runtime } = plainBreaker({ probes: THREE });
    policy.trip();
    await runtime.advance(1_000);
    const slow = underWay(policy);
    await faults(policy, 2);
    expect(policy.state).toBe("open");
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
    slow.resolve("late");
    await slow.outcome;
    expect(policy.stats.staleResults).toBe(1);
  });

  it("case 9: closing clears: one fault less than the volume keeps it closed", async () => {
    const { breaker: policy, runtime } = plainBreaker({ window: { lastMs: 1e6 } });
    await faults(policy, 4);
    await runtime.advance(1_000);
    await successes(policy, 1);
    await faults(policy, 3);
    expect(policy.state).toBe("closed");
  });

  it("takes a slow probe for a failed one where slow calls count", async () => {
    const trip = { minCalls: 4, slowOverMs: 100 };
    const { breaker: policy, runtime } = plainBreaker({ trip });
    policy.trip();
    await runtime.advance(1_000);
    await policy.run(() => runtime.advance(100));
    expect(policy.state).toBe("open");
  });

  it("by default takes the word of two out of three, then lets calls back by steps", async () => {
    const runtime = new ScriptedRuntime();
    const policy = breaker({ runtime });
    policy.trip();
    await runtime.advance(5_000);
    await faults(policy, 1);
    await successes(policy, 2);
    expect(policy.state).toBe("ramping");
    await runtime.advance(2_400);
    expect(policy.state).toBe("closed");
  });
});
