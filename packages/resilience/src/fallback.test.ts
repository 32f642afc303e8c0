import { refuse } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import type { Call } from "./call.ts";
import { fallback, type FallbackOptions } from "./fallback.ts";
import { outcomeOf, pending } from "./policy.fixture.ts";
import { pipe } from "./policy.ts";
import { rejection } from "./rejection.ts";
import { timeout } from "./timeout.ts";

const down = new Error("down");
const failing = (): Promise<string> => Promise.reject(down);

function world(instead: unknown, options: FallbackOptions = {}) {
  const runtime = new ScriptedRuntime();
  return { runtime, policy: fallback(instead, { runtime, ...options }) };
}

describe("a fallback", () => {
  it("answers with its value, or with what its function makes of the error", async () => {
    expect(await world("instead").policy.run(failing)).toBe("instead");
    expect(await world(undefined).policy.run(failing)).toBeUndefined();
    const made = world(async (error: unknown) => ({ error })).policy;
    expect(await made.run(failing)).toEqual({ error: down });
  });

  it("is not asked after a success", async () => {
    const { policy } = world(() => expect.unreachable());
    expect(await policy.run(() => "fine")).toBe("fine");
    expect(policy.stats).toEqual({ degraded: 0, passed: 0, failed: 0 });
  });

  it("stands in for faults and for our own rejections, not for answers", async () => {
    const { policy } = world("instead");
    const open = rejection("BREAKER_OPEN", "open", { breaker: "b", state: "open" });
    expect(await policy.run(() => Promise.reject(open))).toBe("instead");
    const invalid = Object.assign(new Error("no such user"), { status: 404 });
    for (const error of [refuse("declined"), invalid]) {
      expect(await outcomeOf(policy.run(() => Promise.reject(error)))).toEqual({ error });
    }
    expect(policy.stats).toEqual({ degraded: 1, passed: 2, failed: 0 });
  });

  it("stands in for what `when` says", async () => {
    const { policy } = world("instead", { when: (error) => error === "yes" });
    expect(await policy.run(() => Promise.reject("yes"))).toBe("instead"); // oxlint-disable-line
    expect(await outcomeOf(policy.run(failing))).toEqual({ error: down });
  });

  it("gives its function a call with the deadline of the one that failed", async () => {
    const { runtime, policy } = world((_: unknown, call: Call) => [call.remainingMs, call.key]);
    expect(await policy.run(failing, { timeoutMs: 500, key: "k" })).toEqual([500, "k"]);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("whose function fails keeps the original error, and reports the other", async () => {
    const other = new Error("cache is down too");
    const broken: unknown[] = [
      () => {
        throw other;
      },
      () => Promise.reject(other),
    ];
    for (const instead of broken) {
      const { runtime, policy } = world(instead);
      expect(((await outcomeOf(policy.run(failing))) as { error: unknown }).error).toBe(down);
      expect(runtime.recorded).toEqual([
        { name: "resilience.listener-failed", event: { what: "fallback", error: other } },
      ]);
      expect(policy.stats.failed).toBe(1);
    }
  });

  it("whose function is late keeps the original error", async () => {
    const { runtime, policy } = world(() => new Promise(() => {}));
    const call = outcomeOf(policy.run(failing, { timeoutMs: 300 }));
    await runtime.advance(300);
    expect(await call).toEqual({ error: down });
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("stands in for a passed deadline, from memory, also through an async function", async () => {
    for (const instead of ["cached", () => "cached", async () => "cached"]) {
      const { runtime, policy } = world(instead);
      const call = policy.run(() => new Promise(() => {}), { timeoutMs: 100 });
      await runtime.advance(100);
      expect(await call).toBe("cached");
    }
  });

  it("may not wait after a passed deadline", async () => {
    const { runtime, policy } = world(() => new Promise(() => {}));
    const call = outcomeOf(policy.run(() => new Promise(() => {}), { timeoutMs: 100 }));
    await runtime.advance(101);
    expect(await call).toMatchObject({ error: { code: "TIMEOUT", effect: "unknown" } });
  });

  it("has the time that is left after a timeout further in", async () => {
    const runtime = new ScriptedRuntime();
    const slow = pending<string>();
    const policy = pipe(
      fallback(() => slow.promise, { runtime }),
      timeout({ timeoutMs: 50, runtime }),
    );
    const call = policy.run(() => new Promise(() => {}));
    await runtime.advance(1_000);
    slow.resolve("slow");
    expect(await call).toBe("slow");
  });

  it("case 16: never stands in for a cancelled call, and is cancelled itself", async () => {
    const signals: AbortSignal[] = [];
    const { runtime, policy } = world((_: unknown, call: Call) => {
      signals.push(call.signal);
      return new Promise(() => {});
    });
    const before = new AbortController();
    const cancelled = outcomeOf(policy.run(() => new Promise(() => {}), { signal: before.signal }));
    before.abort("enough");
    expect(await cancelled).toEqual({ error: "enough" });
    expect(signals).toEqual([]);
    const during = new AbortController();
    const late = outcomeOf(policy.run(failing, { signal: during.signal }));
    await runtime.advance(0);
    during.abort("enough");
    expect(await late).toEqual({ error: "enough" });
    expect(signals[0]?.reason).toBe("enough");
    expect(policy.stats).toEqual({ degraded: 0, passed: 0, failed: 0 });
  });

  it("does not stand in for a call that `when` cancelled", async () => {
    const controller = new AbortController();
    const { policy } = world("instead", {
      when() {
        controller.abort("enough");
        return true;
      },
    });
    const call = policy.run(failing, { signal: controller.signal });
    expect(await outcomeOf(call)).toEqual({ error: "enough" });
  });

  it("tells of it", async () => {
    const { runtime, policy } = world("instead", { name: "ratings" });
    const heard: unknown[] = [];
    policy.on("degraded", (event) => heard.push(event));
    await policy.run(failing);
    const event = { fallback: "ratings", error: down, ageMs: undefined };
    expect(heard).toEqual([event]);
    expect(runtime.recorded).toEqual([{ name: "fallback.degraded", event }]);
  });

  it("refuses options that mean nothing", () => {
    expect(() => fallback(1, { when: 1 as never })).toThrow(/when must be a function/);
    expect(() => fallback(1, { on: 1 } as object)).toThrow(/fallback.on/);
    expect(() => fallback(1, { name: "" })).toThrow(/name must be/);
  });
});
