import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { breaker } from "./breaker.ts";
import type { BreakerEvents } from "./breaker-events.ts";
import { FAULT, faults, plainBreaker, successes, underWay } from "./breaker.fixture.ts";
import { outcomeOf } from "./policy.fixture.ts";

const TYPES: readonly (keyof BreakerEvents)[] = [
  "opened",
  "halfOpened",
  "ramping",
  "closed",
  "isolated",
  "forcedClosed",
  "released",
  "rejected",
  "staleResult",
];

/** Takes a breaker through all of its states. */
async function tour(): Promise<{ heard: string[]; runtime: ScriptedRuntime }> {
  const { breaker: policy, runtime } = plainBreaker({ rampMs: 1_000 });
  const heard: string[] = [];
  for (const type of TYPES) policy.on(type, () => heard.push(type));
  const old = underWay(policy);
  await faults(policy, 4);
  await successes(policy, 1);
  await runtime.advance(1_000);
  await successes(policy, 1);
  old.resolve("late");
  await old.outcome;
  await runtime.advance(1_200);
  await successes(policy, 1);
  policy.isolate()[Symbol.dispose]();
  policy.forceClosed()[Symbol.dispose]();
  return { heard, runtime };
}

describe("events of a breaker", () => {
  it("tell each change once, in order, to listeners and on channels", async () => {
    const { heard, runtime } = await tour();
    expect(heard).toEqual([
      "opened",
      "rejected",
      "halfOpened",
      "ramping",
      "staleResult",
      "closed",
      "isolated",
      "released",
      "forcedClosed",
      "released",
    ]);
    const told = runtime.recorded.map(({ name, event }) => {
      const { from, to, state } = event as { from?: string; to?: string; state?: string };
      return from === undefined ? `${name} ${state}` : `${name} ${from} ${to}`;
    });
    expect(told).toEqual([
      "breaker.transition closed open",
      "breaker.rejected open",
      "breaker.transition open half-open",
      "breaker.transition half-open ramping",
      "breaker.stale-result ramping",
      "breaker.transition ramping closed",
      "breaker.transition closed isolated",
      "breaker.transition isolated closed",
      "breaker.transition closed forced-closed",
      "breaker.transition forced-closed closed",
    ]);
  });

  it("say why, for how long, and on what evidence", async () => {
    const { breaker: policy } = plainBreaker();
    const opened: unknown[] = [];
    policy.on("opened", (event) => opened.push(event));
    await successes(policy, 2);
    await faults(policy, 2);
    expect(opened).toEqual([
      {
        breaker: "billing",
        from: "closed",
        to: "open",
        reason: "fault-rate",
        scope: "local",
        forMs: 1_000,
        tally: { ok: 2, faults: 2, slow: 0 },
      },
    ]);
  });

  it("are told after the machine has settled: a listener finds the new state", async () => {
    const { breaker: policy } = plainBreaker();
    const states: string[] = [];
    policy.on("opened", () => states.push(policy.state));
    await faults(policy, 4);
    expect(states).toEqual(["open"]);
  });

  it("case 13: a listener or subscriber that throws harms neither call nor breaker", async () => {
    for (const type of TYPES) {
      const scripted = new ScriptedRuntime();
      const thrower = (): never => {
        throw new Error("my listener");
      };
      const channel = () => ({ hasSubscribers: true, publish: thrower });
      const { breaker: policy } = plainBreaker({
        rampMs: 1,
        runtime: { ...scripted, time: scripted.time, events: { channel } },
      });
      policy.on(type, thrower);
      const old = underWay(policy);
      for (let index = 0; index < 4; index++) {
        expect(await outcomeOf(policy.run(() => Promise.reject(FAULT)))).toEqual({ error: FAULT });
      }
      expect(await outcomeOf(policy.run(() => 1))).toMatchObject({
        error: { code: "BREAKER_OPEN" },
      });
      await scripted.advance(1_000);
      expect(await policy.run(() => "value")).toBe("value");
      old.resolve("old");
      expect(await old.outcome).toEqual({ value: "old" });
      await scripted.advance(2);
      expect(await policy.run(() => "value")).toBe("value");
      policy.isolate()[Symbol.dispose]();
      policy.forceClosed()[Symbol.dispose]();
      expect(policy.state).toBe("closed");
    }
  });

  it("a listener may act on the breaker, and stop listening", async () => {
    const { breaker: policy } = plainBreaker();
    let count = 0;
    const off = policy.on("opened", () => {
      count += 1;
      policy.reset();
    });
    await faults(policy, 4);
    expect(policy.state).toBe("closed");
    off();
    await faults(policy, 4);
    expect([count, policy.state]).toEqual([1, "open"]);
  });

  it("a classifier that closes the breaker in the middle of a call is survived", async () => {
    const { breaker: policy } = plainBreaker({
      classify: () => {
        policy.reset();
        return "fault";
      },
    });
    await faults(policy, 5);
    expect(policy.stats).toMatchObject({ state: "closed", staleResults: 5 });
  });

  it("are not made when nobody listens", async () => {
    const scripted = new ScriptedRuntime();
    let published = 0;
    const channel = () => ({ hasSubscribers: false, publish: () => void (published += 1) });
    const runtime = { ...scripted, time: scripted.time, events: { channel } };
    const policy = breaker({ runtime, name: "quiet" });
    policy.trip();
    await outcomeOf(policy.run(() => 1));
    expect(published).toBe(0);
    expect(policy.stats).toMatchObject({ rejected: 1, opened: 1 });
  });
});
