import { describe, expect, it } from "vitest";

import { breaker } from "./breaker.ts";
import type { BreakerOptions } from "./breaker-options.ts";
import { faults, plainBreaker } from "./breaker.fixture.ts";

const refusals: readonly [BreakerOptions, string][] = [
  [{ nam: "x" } as BreakerOptions, "breaker.nam"],
  [{ name: "" }, "name"],
  [{ window: { lastMs: 0 } }, "window.lastMs"],
  [{ window: { lastMs: Infinity } }, "window.lastMs"],
  [{ window: { buckets: 0 } }, "window.buckets"],
  [{ window: { buckets: 101 } }, "window.buckets"],
  [{ window: { lastCalls: 0 } }, "window.lastCalls"],
  [{ window: { lastCalls: 1e9 } }, "window.lastCalls"],
  [{ window: { lastCalls: 10, lastMs: 1 } }, "window.lastMs"],
  [{ window: { lastCalls: 10 }, trip: { minCalls: 11 } }, "trip.minCalls"],
  [{ trip: { minCalls: 0 } }, "trip.minCalls"],
  [{ trip: { faultRate: 0 } }, "trip.faultRate"],
  [{ trip: { faultRate: 1.1 } }, "trip.faultRate"],
  [{ trip: { faultRate: Number.NaN } }, "trip.faultRate"],
  [{ trip: { consecutive: 0 } }, "trip.consecutive"],
  [{ trip: { slowOverMs: -1 } }, "trip.slowOverMs"],
  [{ trip: { slowRate: 2 } }, "trip.slowRate"],
  [{ reset: { afterMs: 0 } }, "reset.afterMs"],
  [{ reset: { afterMs: Number.NaN } }, "reset.afterMs"],
  [{ reset: { afterMs: 10, maxMs: 9 } }, "reset.maxMs"],
  [{ reset: { jitter: 1.5 } }, "reset.jitter"],
  [{ probes: { count: 0 } }, "probes.count"],
  [{ probes: { count: 2, passes: 3 } }, "probes.passes"],
  [{ probes: { timeoutMs: 0 } }, "probes.timeoutMs"],
  [{ rampMs: -1 }, "rampMs"],
  [{ rampMs: Infinity }, "rampMs"],
  [{ classify: "fault" as never }, "classify"],
  [{ share: {} as never, name: "x" }, "share"],
  [{ share: () => ({}) as never }, "name"],
];

describe("options of a breaker", () => {
  it("case 15: what is out of range is refused by name, at construction", () => {
    for (const [options, option] of refusals) {
      let details: unknown;
      try {
        breaker(options);
      } catch (error) {
        ({ details } = error as { details: unknown });
      }
      expect(details).toMatchObject({ option });
    }
  });

  it("case 15: durations beyond 2³¹ ms and Infinity are exact", async () => {
    const { breaker: policy, runtime } = plainBreaker({
      reset: { afterMs: 2 ** 31, maxMs: Infinity, jitter: 0 },
      probes: { timeoutMs: 2 ** 40 },
    });
    await faults(policy, 4);
    await runtime.advance(2 ** 31 - 1);
    expect(policy.state).toBe("open");
    await runtime.advance(1);
    expect(policy.state).toBe("half-open");
  });

  it("case 24: two breakers from one frozen options object share nothing", async () => {
    const frozen: BreakerOptions = Object.freeze({
      name: "twin",
      window: Object.freeze({ lastMs: 10_000 }),
      trip: Object.freeze({ minCalls: 2 }),
    });
    const [one, other] = [breaker(frozen), breaker(frozen)];
    await faults(one, 2);
    expect([one.state, other.state]).toEqual(["open", "closed"]);
    expect(other.stats).toMatchObject({ faults: 0, opened: 0 });
  });

  it("options changed after construction change nothing", async () => {
    const trip = { minCalls: 2 };
    const policy = breaker({ trip });
    trip.minCalls = 1_000;
    await faults(policy, 2);
    expect(policy.state).toBe("open");
  });
});
