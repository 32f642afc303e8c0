import { describe, expect, it } from "vitest";

import { faults, plainBreaker, successes, underWay } from "./breaker.fixture.ts";

describe("the ramp", () => {
  const ramped = { rampMs: 10_000 };

  it("lets a tenth through at first, then more, then all", async () => {
    const { breaker: policy, runtime } = plainBreaker(ramped);
    policy.trip();
    await runtime.advance(1_000);
    await successes(policy, 1);
    expect(policy.state).toBe("ramping");
    const share = async (): Promise<number> => {
      const before = policy.stats.rejected;
      await successes(policy, 1_000);
      return 1 - (policy.stats.rejected - before) / 1_000;
    };
    expect(await share()).toBeCloseTo(0.1, 1);
    await runtime.advance(5_000);
    const half = await share();
    expect(half).toBeGreaterThan(0.42);
    expect(half).toBeLessThan(0.72);
    await runtime.advance(7_000);
    expect(policy.state).toBe("closed");
    expect(await share()).toBe(1);
  });

  it("opens again on faults, for longer than before", async () => {
    const { breaker: policy, runtime } = plainBreaker(ramped);
    const reasons: unknown[] = [];
    policy.on("opened", ({ reason, forMs }) => reasons.push(reason, forMs));
    policy.trip();
    await runtime.advance(1_000);
    await successes(policy, 1);
    await faults(policy, 200);
    expect(policy.state).toBe("open");
    expect(reasons).toEqual(["by-hand", 1_000, "fault-rate", 2_000]);
  });

  it("keeps what it saw when it ends: results of calls under way count", async () => {
    const { breaker: policy, runtime } = plainBreaker(ramped);
    policy.trip();
    await runtime.advance(1_000);
    await successes(policy, 1);
    await runtime.advance(7_900); // Nearly through: the ramp may be a fifth shorter.
    expect(policy.state).toBe("ramping");
    const call = underWay(policy);
    await successes(policy, 1);
    await runtime.advance(5_000);
    expect(policy.state).toBe("closed");
    await successes(policy, 1);
    call.resolve("late");
    expect(await call.outcome).toEqual({ value: "late" });
    expect(policy.stats).toMatchObject({ staleResults: 0, ok: 3 });
  });

  it("once it is over, the next outage is a new one", async () => {
    const { breaker: policy, runtime } = plainBreaker({ rampMs: 100 });
    policy.trip();
    await runtime.advance(1_000);
    await successes(policy, 1);
    await runtime.advance(120);
    await successes(policy, 1);
    let lengthMs: unknown;
    policy.on("opened", ({ forMs }) => (lengthMs = forMs));
    policy.trip();
    expect(lengthMs).toBe(1_000);
  });
});
