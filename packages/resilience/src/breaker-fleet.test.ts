import { describe, expect, it } from "vitest";

import { FAULT, faults, plainBreaker, successes, underWay } from "./breaker.fixture.ts";
import type { Fleet, FleetVerdict, JoinFleet, LocalEvidence } from "./fleet.ts";
import { outcomeOf } from "./policy.fixture.ts";

/** A fleet that says what the test says. */
class ScriptedFleet implements Fleet {
  verdict: FleetVerdict | undefined = undefined;
  stirred = 0;
  closed = 0;
  readonly trials: [number, boolean][] = [];
  local: LocalEvidence | undefined = undefined;
  joinedAs: string | undefined = undefined;

  readonly join: JoinFleet = (name, local) => {
    this.joinedAs = name;
    this.local = local;
    return this;
  };

  say(verdict: FleetVerdict | undefined): void {
    this.verdict = verdict;
    this.local?.verdictChanged();
  }

  stir(): void {
    this.stirred += 1;
  }

  probed(epoch: number, passed: boolean): void {
    this.trials.push([epoch, passed]);
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

const sharedBreaker = (options: Parameters<typeof plainBreaker>[0] = {}) => {
  const fleet = new ScriptedFleet();
  return { fleet, ...plainBreaker({ share: fleet.join, ...options }) };
};

const refused = (state: string) => ({ error: { code: "BREAKER_OPEN", details: { state } } });

describe("a breaker in a fleet", () => {
  it("decides alone while the fleet says nothing, and joins by its name", async () => {
    const { breaker: policy, fleet } = sharedBreaker();
    expect(fleet.joinedAs).toBe("billing");
    await successes(policy, 2);
    expect(fleet.stirred).toBe(0);
    await faults(policy, 2);
    expect([policy.state, fleet.local?.localState]).toEqual(["open", "open"]);
  });

  it("stirs at each fault and change of state, never at a success", async () => {
    const { breaker: policy, fleet, runtime } = sharedBreaker();
    await faults(policy, 1);
    expect(fleet.stirred).toBe(1);
    await faults(policy, 3);
    expect(fleet.stirred).toBe(4);
    await runtime.advance(1_000);
    await successes(policy, 1);
    expect(fleet.stirred).toBe(6);
    policy.isolate();
    expect([fleet.stirred, fleet.local?.localState]).toEqual([7, "isolated"]);
  });

  it("shows the window's sums, and while open those that opened it", async () => {
    const { breaker: policy, fleet, runtime } = sharedBreaker();
    const tally = () => fleet.local?.tally(runtime.time.monotonicMs());
    await successes(policy, 2);
    await faults(policy, 1);
    expect(tally()).toEqual({ ok: 2, faults: 1, slow: 0 });
    await faults(policy, 1);
    expect(tally()).toEqual({ ok: 2, faults: 2, slow: 0 });
  });

  it("rejects while the fleet is open, though it saw nothing itself", async () => {
    const { breaker: policy, fleet } = sharedBreaker();
    fleet.say({ kind: "open", epoch: 1, retryAfterMs: 700 });
    expect(policy.state).toBe("open");
    const details = { state: "open", retryAfterMs: 700 };
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject({ error: { details } });
    fleet.say(undefined);
    expect(await policy.run(() => 1)).toBe(1);
  });

  it("while probing lets its probes through, one trial per epoch, and reports once", async () => {
    const { breaker: policy, fleet } = sharedBreaker({ probes: { count: 3, passes: 2 } });
    fleet.say({ kind: "probing", epoch: 4 });
    expect(policy.state).toBe("half-open");
    const probes = [underWay(policy), underWay(policy), underWay(policy)];
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject(refused("half-open"));
    for (const probe of probes) {
      probe.resolve("back");
      await probe.outcome;
    }
    expect(fleet.trials).toEqual([[4, true]]);
    expect(policy.stats.staleResults).toBe(1);
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject(refused("half-open"));
    fleet.say({ kind: "open", epoch: 5, retryAfterMs: 1 });
    fleet.say({ kind: "probing", epoch: 6 });
    await faults(policy, 2);
    expect(fleet.trials).toEqual([
      [4, true],
      [6, false],
    ]);
  });

  it("rejects once its trial is decided, though places are left", async () => {
    const { breaker: policy, fleet } = sharedBreaker({ probes: { count: 3, passes: 2 } });
    fleet.say({ kind: "probing", epoch: 1 });
    await successes(policy, 2);
    expect(fleet.trials).toEqual([[1, true]]);
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject(refused("half-open"));
  });

  it("drops a probe of one epoch when the next is being probed", async () => {
    const { breaker: policy, fleet, runtime } = sharedBreaker();
    fleet.say({ kind: "probing", epoch: 1 });
    const probe = underWay(policy);
    await runtime.advance(0);
    fleet.say({ kind: "probing", epoch: 2 });
    probe.resolve("late");
    await probe.outcome;
    expect([fleet.trials, policy.stats.staleResults]).toEqual([[], 1]);
  });

  it("takes a slow probe for a failed one where slow calls count", async () => {
    const { breaker: policy, fleet, runtime } = sharedBreaker({ trip: { slowOverMs: 100 } });
    fleet.say({ kind: "probing", epoch: 1 });
    await policy.run(() => runtime.advance(100));
    expect(fleet.trials).toEqual([[1, false]]);
  });

  it("reports a hung probe as failed, and gives a cancelled one's place back", async () => {
    const { breaker: policy, fleet, runtime } = sharedBreaker();
    fleet.say({ kind: "probing", epoch: 1 });
    const controller = new AbortController();
    const cancelled = outcomeOf(
      policy.run(() => new Promise(() => {}), { signal: controller.signal }),
    );
    controller.abort("no");
    await cancelled;
    expect(fleet.trials).toEqual([]);
    const hung = underWay(policy);
    await runtime.advance(500);
    expect(fleet.trials).toEqual([[1, false]]);
    hung.resolve("late");
    await hung.outcome;
    expect([fleet.trials.length, policy.stats.staleResults]).toEqual([1, 1]);
  });

  it("drops what comes of a probe when the fleet has gone on, with no timer left", async () => {
    const { breaker: policy, fleet, runtime } = sharedBreaker();
    fleet.say({ kind: "probing", epoch: 1 });
    const probe = underWay(policy);
    await runtime.advance(0);
    fleet.say({ kind: "open", epoch: 2, retryAfterMs: 1_000 });
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
    probe.resolve("late");
    await probe.outcome;
    expect([fleet.trials, policy.stats.staleResults]).toEqual([[], 1]);
  });

  it("lets calls back along the fleet's ramp, and forgets what it held open itself", async () => {
    const { breaker: policy, fleet, runtime } = sharedBreaker();
    await faults(policy, 4);
    fleet.say({ kind: "open", epoch: 1, retryAfterMs: 60_000 });
    const sinceMs = runtime.time.monotonicMs();
    fleet.say({ kind: "ramping", epoch: 2, sinceMs, rampMs: 10_000 });
    expect([policy.state, fleet.local?.localState]).toEqual(["ramping", "closed"]);
    await successes(policy, 1_000);
    expect(policy.stats.ok).toBeGreaterThan(50);
    expect(policy.stats.ok).toBeLessThan(200);
    await runtime.advance(10_000);
    const before = policy.stats.rejected;
    await successes(policy, 100);
    expect(policy.stats.rejected).toBe(before);
  });

  it("opens by itself during the fleet's ramp: its own evidence counts too", async () => {
    const { breaker: policy, fleet } = sharedBreaker();
    fleet.say({ kind: "ramping", epoch: 2, sinceMs: 0, rampMs: 10_000 });
    await faults(policy, 100);
    expect(policy.state).toBe("open");
  });

  it("is purely local when the store is lost in the middle of anything", async () => {
    for (const verdict of [
      { kind: "open", epoch: 1, retryAfterMs: 1 },
      { kind: "probing", epoch: 1 },
      { kind: "ramping", epoch: 1, sinceMs: 0, rampMs: 10_000 },
    ] as const) {
      const { breaker: policy, fleet } = sharedBreaker();
      fleet.say(verdict);
      const probe = verdict.kind === "probing" ? underWay(policy) : undefined;
      fleet.say(undefined);
      expect(await policy.run(() => 1)).toBe(1);
      probe?.reject(FAULT);
      await probe?.outcome;
      await faults(policy, 4);
      expect(policy.state).toBe("open");
    }
  });

  it("tells the fleet's changes as such", () => {
    const { breaker: policy, fleet, runtime } = sharedBreaker();
    const told: unknown[] = [];
    policy.on("opened", ({ scope, reason, forMs }) => told.push(scope, reason, forMs));
    policy.on("closed", ({ scope, from }) => told.push(scope, from));
    fleet.say({ kind: "open", epoch: 1, retryAfterMs: 5 });
    fleet.say({ kind: "open", epoch: 2, retryAfterMs: 5 });
    fleet.say(undefined);
    expect(told).toEqual(["fleet", "fleet", 5, "fleet", "open"]);
    expect(runtime.recorded).toHaveLength(2);
    expect(policy.stats.opened).toBe(0);
  });

  it("isolation by hand is stronger than any verdict", async () => {
    const { breaker: policy, fleet } = sharedBreaker();
    using _held = policy.isolate();
    fleet.say({ kind: "probing", epoch: 1 });
    expect(await outcomeOf(policy.run(() => 1))).toMatchObject(refused("isolated"));
  });

  it("case 26: leaves the fleet when disposed of, and asks it for nothing more", async () => {
    const { breaker: policy, fleet } = sharedBreaker();
    fleet.say({ kind: "probing", epoch: 1 });
    const probe = underWay(policy);
    const { stirred } = fleet;
    await policy.dispose();
    await policy.dispose();
    expect(fleet.closed).toBe(1);
    probe.resolve("late");
    await probe.outcome;
    fleet.say({ kind: "open", epoch: 2, retryAfterMs: 1 });
    expect([fleet.trials, fleet.stirred, policy.state]).toEqual([[], stirred, "disposed"]);
  });
});
