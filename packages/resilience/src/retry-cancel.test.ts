import type { Runtime, Time } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { backoff } from "./backoff.ts";
import { failing, safe, world } from "./retry.fixture.ts";
import { outcomeOf, pending } from "./policy.fixture.ts";
import { pRetryOn } from "./p-retry-run.ts";
import { pipe } from "./policy.ts";
import { retry } from "./retry.ts";
import { timeout } from "./timeout.ts";

describe("cancelling a retry", () => {
  it("case 16: before the call: the work does not run", async () => {
    const { policy } = world();
    const reason = new Error("stop");
    const work = failing();
    const call = policy.run(work.work, { ...safe, signal: AbortSignal.abort(reason) });
    expect(((await outcomeOf(call)) as { error: unknown }).error).toBe(reason);
    expect(work.ran).toBe(0);
  });

  it("case 16: in a pause: settles in the same turn, and no attempt follows", async () => {
    const { runtime, policy } = world();
    const controller = new AbortController();
    const work = failing(1, 2, 3);
    const call = outcomeOf(policy.run(work.work, { ...safe, signal: controller.signal }));
    await runtime.advance(50);
    let settled: unknown;
    void call.then((outcome) => (settled = outcome));
    controller.abort("enough");
    expect(runtime.pendingTimers).toBe(0);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve(); // Only promises, no timer.
    expect(settled).toEqual({ error: "enough" });
    await runtime.advance(1_000);
    expect(work.ran).toBe(1);
  });

  it("case 16: racing a success: the value wins", async () => {
    const { runtime, policy } = world();
    const controller = new AbortController();
    const answer = pending<number>();
    let ran = 0;
    const call = policy.run(() => (++ran === 1 ? Promise.reject(new Error()) : answer.promise), {
      ...safe,
      signal: controller.signal,
    });
    await runtime.advance(100);
    answer.resolve(42);
    controller.abort("too late");
    expect(await call).toBe(42);
  });

  it("reaches the attempt that runs, whose signal has the reason", async () => {
    const { runtime, policy } = world();
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    const call = outcomeOf(
      policy.run(
        (one) => {
          signals.push(one.signal);
          return one.attempt === 1 ? Promise.reject(new Error()) : new Promise(() => {});
        },
        { ...safe, signal: controller.signal },
      ),
    );
    await runtime.advance(100);
    controller.abort("enough");
    expect(await call).toEqual({ error: "enough" });
    expect(signals.map((signal) => [signal.aborted, signal.reason])).toEqual([
      [true, "enough"],
      [true, "enough"],
    ]);
  });

  it("in the very moment in which a pause ends: no attempt follows", async () => {
    for (const library of ["retry", "pRetry"] as const) {
      const inner = new ScriptedRuntime();
      const controller = new AbortController();
      const setTimer: Time["setTimer"] = (ms, callback) =>
        inner.time.setTimer(ms, () => {
          callback();
          controller.abort("now");
        });
      const { random, ids, events } = inner;
      const runtime: Runtime = { time: { ...inner.time, setTimer }, random, ids, events };
      const { signal } = controller;
      let ran = 0;
      const work = (): Promise<never> => Promise.reject(new Error(String(++ran)));
      const call = outcomeOf(
        library === "retry"
          ? retry({ runtime }).run(work, { ...safe, signal })
          : pRetryOn(runtime).pRetry(work, { signal }),
      );
      await inner.advance(5_000);
      expect([await call, ran]).toEqual([{ error: "now" }, 1]);
    }
  });

  it("by a listener of its own events is seen before the pause", async () => {
    const { runtime, policy } = world();
    const controller = new AbortController();
    policy.on("retrying", () => controller.abort("by a listener"));
    const call = policy.run(failing(1).work, { ...safe, signal: controller.signal });
    expect(await outcomeOf(call)).toEqual({ error: "by a listener" });
    expect(runtime.pendingTimers).toBe(0);
  });

  it("case 17: keeps the reason's identity through five nested policies", async () => {
    const runtime = new ScriptedRuntime();
    const layer = () => retry({ runtime, backoff: backoff.constant({ delayMs: 1_000 }) });
    const policy = pipe(layer(), timeout({ timeoutMs: 9_000, runtime }), layer(), layer(), layer());
    const controller = new AbortController();
    const reason = { why: "shutdown" };
    const call = policy.run(failing(1).work, { ...safe, signal: controller.signal });
    await runtime.advance(500);
    controller.abort(reason);
    expect(((await outcomeOf(call)) as { error: unknown }).error).toBe(reason);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("case 18: of a parent that lives long leaves no listener on it", async () => {
    const { runtime, policy } = world({ budget: false });
    const { signal } = new AbortController();
    let listening = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listening += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listening -= 1;
      remove(...args);
    };
    for (let index = 0; index < 1_000; index += 1) {
      const call = policy.run(failing(index).work, { ...safe, signal });
      await runtime.advance(100);
      expect(await call).toBe(2);
    }
    expect(listening).toBe(0);
  });
});
