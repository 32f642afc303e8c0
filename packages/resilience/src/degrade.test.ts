import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { lastGood, type LastGoodOptions } from "./degrade.ts";
import { outcomeOf } from "./policy.fixture.ts";

const down = new Error("down");
const failing = (): Promise<string> => Promise.reject(down);

function world(options: Partial<LastGoodOptions> = {}) {
  const runtime = new ScriptedRuntime();
  return { runtime, policy: lastGood({ maxAgeMs: 1_000, runtime, ...options }) };
}

const user = (key: string) => ({ key, repeat: "safe" }) as const;

describe("the last good answer", () => {
  it("is given for a failed call of the same key, as the identical object", async () => {
    const { runtime, policy } = world();
    const answer = { name: "Ada" };
    await policy.run(() => answer, user("1"));
    await runtime.advance(700);
    expect(await policy.run(failing, user("1"))).toBe(answer);
    expect(runtime.recorded).toEqual([
      { name: "fallback.degraded", event: { fallback: "lastGood", error: down, ageMs: 700 } },
    ]);
  });

  it("is not another key's, and not that of calls without a key", async () => {
    const { policy } = world();
    await policy.run(() => "one", user("1"));
    await policy.run(() => "nameless");
    expect(await outcomeOf(policy.run(failing, user("2")))).toEqual({ error: down });
    expect(await outcomeOf(policy.run(failing))).toEqual({ error: down });
    expect(policy.size).toBe(1);
    expect(policy.stats).toEqual({ degraded: 0, passed: 0, failed: 2 });
  });

  it("is not given when it is too old", async () => {
    const { runtime, policy } = world();
    await policy.run(() => "one", user("1"));
    await runtime.advance(1_001);
    expect(await outcomeOf(policy.run(failing, user("1")))).toEqual({ error: down });
    expect(policy.size).toBe(0);
  });

  it("is kept for `max` keys, the least recently used goes first", async () => {
    const { policy } = world({ max: 2 });
    await policy.run(() => "one", user("1"));
    await policy.run(() => "two", user("2"));
    await policy.run(failing, user("1"));
    await policy.run(() => "three", user("3"));
    expect(policy.size).toBe(2);
    expect(await policy.run(failing, user("1"))).toBe("one");
    expect(await outcomeOf(policy.run(failing, user("2")))).toEqual({ error: down });
  });

  it("that is remembered again is the most recently used", async () => {
    const { policy } = world({ max: 2 });
    await policy.run(() => "one", user("1"));
    await policy.run(() => "two", user("2"));
    await policy.run(() => "one again", user("1"));
    await policy.run(() => "three", user("3"));
    expect(await policy.run(failing, user("1"))).toBe("one again");
    expect(await outcomeOf(policy.run(failing, user("2")))).toEqual({ error: down });
  });

  it("may be undefined, and is the newest one", async () => {
    const { policy } = world();
    await policy.run(() => "old", user("__proto__"));
    await policy.run(() => undefined, user("__proto__"));
    expect(await outcomeOf(policy.run(failing, user("__proto__")))).toEqual({ value: undefined });
    policy.clear();
    expect(await outcomeOf(policy.run(failing, user("__proto__")))).toEqual({ error: down });
  });

  it("is found by what `key` makes of the call; a bad one is none", async () => {
    const { policy } = world({ key: (call) => `p${call.priority}` });
    await policy.run(() => "high", { priority: 9 });
    expect(await policy.run(failing, { priority: 9 })).toBe("high");
    const long = world({ key: () => "x".repeat(1_025) });
    expect(await long.policy.run(() => "fine")).toBe("fine");
    expect(long.policy.size).toBe(0);
    expect(long.runtime.recorded[0]?.name).toBe("resilience.listener-failed");
  });

  it("is never given to a caller that cancelled, nor where `when` says no", async () => {
    const { policy } = world({ when: () => false });
    await policy.run(() => "one", user("1"));
    expect(await outcomeOf(policy.run(failing, user("1")))).toEqual({ error: down });
    const other = world();
    await other.policy.run(() => "one", user("1"));
    const controller = new AbortController();
    const signal = controller.signal;
    const call = outcomeOf(other.policy.run(() => new Promise(() => {}), { ...user("1"), signal }));
    controller.abort("enough");
    expect(await call).toEqual({ error: "enough" });
  });

  it("refuses options that mean nothing", () => {
    expect(() => lastGood({ maxAgeMs: 0 })).toThrow(/maxAgeMs must be/);
    expect(() => lastGood({ maxAgeMs: 1, max: 0 })).toThrow(/max must be/);
    expect(() => lastGood({ maxAgeMs: 1, ttl: 5 } as never)).toThrow(/lastGood.ttl/);
  });
});
