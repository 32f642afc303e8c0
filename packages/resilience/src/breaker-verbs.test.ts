import { describe, expect, it } from "vitest";

import type { Breaker } from "./breaker.ts";
import type { BreakerSnapshot } from "./breaker-snapshot.ts";
import { FAULT, faults, plainBreaker, successes, underWay } from "./breaker.fixture.ts";
import { outcomeOf } from "./policy.fixture.ts";

const ISOLATED = { error: { code: "BREAKER_OPEN", details: { state: "isolated" } } };

describe("by hand", () => {
  it("isolate rejects all until the last holder lets go, and a handle counts once", async () => {
    const { breaker: policy } = plainBreaker();
    const [first, second] = [policy.isolate(), policy.isolate()];
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(policy.state).toBe("isolated");
    const rejected = await outcomeOf(policy.run(() => 1));
    expect(rejected).toMatchObject(ISOLATED);
    expect((rejected as { error: { details: object } }).error.details).not.toHaveProperty(
      "retryAfterMs",
    );
    second[Symbol.dispose]();
    expect(await policy.run(() => 1)).toBe(1);
  });

  it("the state beneath an isolation goes on, and stands afterwards", async () => {
    const { breaker: policy } = plainBreaker();
    const calls = [1, 2, 3, 4].map(() => underWay(policy));
    const handle = policy.isolate();
    for (const call of calls) call.reject(FAULT);
    for (const call of calls) await call.outcome;
    expect(policy.state).toBe("isolated");
    handle[Symbol.dispose]();
    expect(policy.state).toBe("open");
  });

  it("forceClosed lets all through uncounted; isolate is stronger", async () => {
    const { breaker: policy } = plainBreaker();
    policy.trip();
    const forced = policy.forceClosed();
    await faults(policy, 10);
    expect(policy.stats).toMatchObject({ state: "forced-closed", faults: 0, rejected: 0 });
    const isolated = policy.isolate();
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject(ISOLATED);
    isolated[Symbol.dispose]();
    expect(await policy.run(() => 1)).toBe(1);
    forced[Symbol.dispose]();
    expect(policy.state).toBe("open");
  });

  it("a call let through under force ends uncounted, also when it ends later", async () => {
    const { breaker: policy } = plainBreaker({ trip: { minCalls: 1 } });
    const forced = policy.forceClosed();
    const call = underWay(policy);
    forced[Symbol.dispose]();
    call.reject(FAULT);
    await call.outcome;
    expect(policy.stats).toMatchObject({ state: "closed", staleResults: 0 });
  });

  it("trip opens, reset closes with an empty window and forgets the growth", async () => {
    const { breaker: policy } = plainBreaker();
    const lengths: unknown[] = [];
    policy.on("opened", ({ forMs }) => lengths.push(forMs));
    policy.trip();
    policy.trip();
    policy.reset();
    expect(policy.state).toBe("closed");
    await faults(policy, 3);
    policy.reset();
    await faults(policy, 3);
    expect(policy.state).toBe("closed");
    policy.trip();
    expect(lengths).toEqual([1_000, 1_000]);
    expect(policy.stats.opened).toBe(2);
  });
});

describe("case 25: a snapshot of every state", () => {
  /** A new process: another clock, and JSON in between. */
  const move = (from: Breaker, options = {}) => {
    const next = plainBreaker({ rampMs: 10_000, ...options });
    next.runtime.stall(123_456);
    next.breaker.restore(JSON.parse(JSON.stringify(from.snapshot())) as BreakerSnapshot);
    return next;
  };

  it("closed stays closed, with an empty window", async () => {
    const { breaker: policy } = plainBreaker();
    await faults(policy, 3);
    const { breaker: next } = move(policy);
    expect(next.stats).toMatchObject({ state: "closed", faults: 0 });
  });

  it("open stays open for the rest of its time, however long it lay", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await faults(policy, 4);
    await runtime.advance(300);
    const next = move(policy);
    expect(next.breaker.state).toBe("open");
    await next.runtime.advance(699);
    expect(next.breaker.state).toBe("open");
    await next.runtime.advance(1);
    expect(next.breaker.state).toBe("half-open");
  });

  it("open keeps on growing", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await faults(policy, 4);
    await runtime.advance(1_000);
    await faults(policy, 1);
    const next = move(policy);
    await next.runtime.advance(2_000);
    await faults(next.breaker, 1);
    await next.runtime.advance(3_999);
    expect(next.breaker.state).toBe("open");
  });

  it("half-open, reached by time alone or by a probe, goes on with its own trial", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    await faults(policy, 4);
    await runtime.advance(1_000);
    for (const prepare of [() => undefined, () => underWay(policy)]) {
      prepare();
      const next = move(policy, { rampMs: 0 });
      expect(next.breaker.state).toBe("half-open");
      await successes(next.breaker, 1);
      expect(next.breaker.state).toBe("closed");
    }
  });

  it("ramping goes on where it was", async () => {
    const { breaker: policy, runtime } = plainBreaker({ rampMs: 10_000 });
    policy.trip();
    await runtime.advance(1_000);
    await successes(policy, 1);
    await runtime.advance(5_000);
    const next = move(policy);
    expect(next.breaker.state).toBe("ramping");
    await next.runtime.advance(7_000);
    expect(next.breaker.state).toBe("closed");
  });

  it("isolation does not travel, and an infinite open time does", async () => {
    const { breaker: policy } = plainBreaker({ reset: { afterMs: Infinity } });
    policy.trip();
    using _held = policy.isolate();
    const next = move(policy, { reset: { afterMs: Infinity } });
    await next.runtime.advance(1e9);
    expect(next.breaker.state).toBe("open");
  });

  it("times longer than its own options allow are cut", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    policy.restore({ version: 1, state: "open", openings: 5, openForMs: 1e300 });
    await runtime.advance(8_000);
    expect(policy.state).toBe("half-open");
    policy.restore({ version: 1, state: "ramping", openings: 1, rampForMs: 1e300, rampMs: 1e300 });
    expect(policy.state).toBe("closed");
  });

  it("what is no snapshot is refused, and changes nothing", () => {
    const { breaker: policy } = plainBreaker();
    policy.trip();
    for (const wrong of [
      undefined,
      null,
      "open",
      {},
      { version: 2, state: "closed", openings: 0 },
      { version: 1, state: "isolated", openings: 0 },
      { version: 1, state: "closed", openings: -1 },
      { version: 1, state: "closed", openings: Number.NaN },
      { version: 1, state: "open", openings: 1, openForMs: -1 },
      { version: 1, state: "open", openings: 1, openForMs: "1" },
      { version: 1, state: "ramping", openings: 1, rampForMs: Number.NaN },
      { version: 1, state: "__proto__", openings: 1 },
    ]) {
      expect(() => policy.restore(wrong as BreakerSnapshot)).toThrowError(/INVALID_ARGUMENT/);
    }
    expect(policy.state).toBe("open");
  });
});

describe("case 26: a disposed breaker", () => {
  it("ignores pending results, rejects with CLOSED, tells nothing, has no timer", async () => {
    const { breaker: policy, runtime } = plainBreaker();
    const told: unknown[] = [];
    policy.on("staleResult", (event) => told.push(event));
    await faults(policy, 4);
    await runtime.advance(1_000);
    const probe = underWay(policy);
    await runtime.advance(0);
    const before = runtime.recorded.length;
    await policy.dispose();
    await policy.dispose();
    probe.reject(FAULT);
    expect(await probe.outcome).toEqual({ error: FAULT });
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject({
      error: { code: "CLOSED", effect: "none" },
    });
    expect(policy.state).toBe("disposed");
    expect(policy.stats.staleResults).toBe(0);
    expect([told, runtime.recorded.length]).toEqual([[], before]);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("refuses its verbs, and lets handles from before go quietly", async () => {
    const { breaker: policy } = plainBreaker();
    const handle = policy.isolate();
    await policy[Symbol.asyncDispose]();
    handle[Symbol.dispose]();
    expect(policy.state).toBe("disposed");
    for (const verb of [
      () => policy.isolate(),
      () => policy.forceClosed(),
      () => policy.trip(),
      () => policy.reset(),
      () => policy.restore(policy.snapshot()),
    ]) {
      expect(verb).toThrowError(/CLOSED/);
    }
  });
});
