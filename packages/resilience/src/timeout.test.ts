import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it, vi } from "vitest";

import { outcomeOf, pending } from "./policy.fixture.ts";
import { pipe } from "./policy.ts";
import { timeout } from "./timeout.ts";

describe("timeout", () => {
  it("ends a call that hangs, and says that nobody knows whether it ran", async () => {
    const runtime = new ScriptedRuntime();
    let aborted: unknown;
    const call = outcomeOf(
      timeout({ timeoutMs: 500, runtime }).run(
        (own) =>
          new Promise(() => {
            own.signal.addEventListener("abort", () => (aborted = own.signal.reason));
          }),
      ),
    );
    await runtime.advance(499);
    expect(aborted).toBeUndefined();
    await runtime.advance(1);
    const details = { operation: "call", timeoutMs: 500 };
    expect(await call).toMatchObject({ error: { code: "TIMEOUT", effect: "unknown", details } });
    expect(aborted).toMatchObject({ code: "TIMEOUT" });
  });

  it("hands a value in time out, and leaves no timer", async () => {
    const runtime = new ScriptedRuntime();
    const work = pending<string>();
    const call = timeout({ timeoutMs: 500, runtime }).run(() => work.promise);
    await runtime.advance(499);
    work.resolve("just so");
    expect(await call).toBe("just so");
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("survives what the work throws after it was given up on", async () => {
    const runtime = new ScriptedRuntime();
    const work = pending<string>();
    const call = outcomeOf(timeout({ timeoutMs: 5, runtime }).run(() => work.promise));
    await runtime.advance(5);
    work.reject(new Error("nobody listens any more"));
    expect(await call).toMatchObject({ error: { code: "TIMEOUT" } });
    await runtime.advance(0);
  });

  it("keeps the system's time after a test framework faked it and gave it back", async () => {
    const hangs = () => outcomeOf(timeout({ timeoutMs: 10 }).run(() => new Promise(() => {})));
    for (let round = 0; round < 3; round++) {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "hrtime"] });
      const faked = hangs();
      await vi.advanceTimersByTimeAsync(10);
      expect(await faked).toMatchObject({ error: { code: "TIMEOUT" } });
      await timeout({ timeoutMs: 60_000 }).run(() => Promise.resolve(1)); // Leaves a timer armed.
      vi.useRealTimers();
      expect(await hangs()).toMatchObject({ error: { code: "TIMEOUT" } });
    }
  });

  it("inside another: the nearer deadline counts, and names its own length", async () => {
    const runtime = new ScriptedRuntime();
    const nested = (outerMs: number, innerMs: number) =>
      pipe(timeout({ timeoutMs: outerMs, runtime }), timeout({ timeoutMs: innerMs, runtime })).run(
        () => new Promise(() => {}),
      );
    const [short, long] = [outcomeOf(nested(100, 300)), outcomeOf(nested(300, 100))];
    await runtime.advance(100);
    for (const call of [short, long]) {
      expect(await call).toMatchObject({ error: { details: { timeoutMs: 100 } } });
    }
  });

  it("restores the outer deadline for whoever tries next", async () => {
    const runtime = new ScriptedRuntime();
    const left: number[] = [];
    const twice = {
      kind: "rescue" as const,
      rank: "loop" as const,
      runtime,
      begin: () => {},
      recover: (call: { derive(n: number): never }, _: unknown, next: (call: never) => unknown) =>
        Promise.resolve(next(call.derive(2))),
    };
    const policy = pipe(
      timeout({ timeoutMs: 300, runtime }),
      { ...timeout({ timeoutMs: 1, runtime }), layers: [twice] } as never,
      timeout({ timeoutMs: 100, runtime }),
    );
    const call = outcomeOf(
      policy.run((own) => (left.push(own.remainingMs), new Promise(() => {}))),
    );
    await runtime.advance(100);
    await runtime.advance(100);
    expect(left).toEqual([100, 100]);
    expect(await call).toMatchObject({ error: { details: { timeoutMs: 100 } } });
  });

  it("case 15: takes Infinity and more than 2³¹ ms, and refuses what is no duration", async () => {
    const runtime = new ScriptedRuntime();
    const [never, month] = [pending<number>(), pending<number>()];
    const days = 40 * 86_400_000;
    const forever = timeout({ timeoutMs: Infinity, runtime }).run(() => never.promise);
    const long = outcomeOf(timeout({ timeoutMs: days, runtime }).run(() => month.promise));
    await runtime.advance(days - 1);
    never.resolve(1);
    expect(await forever).toBe(1);
    await runtime.advance(1);
    expect(await long).toMatchObject({ error: { code: "TIMEOUT" } });
    for (const timeoutMs of [0, -1, NaN, "5" as never]) {
      expect(() => timeout({ timeoutMs, runtime })).toThrow(/timeoutMs must be a duration/);
    }
    expect(() => timeout({ timeout: 5 } as never)).toThrow(/unknown/);
  });
});

describe("a blocked event loop", () => {
  it("reads what has arrived before it calls anybody late", async () => {
    const runtime = new ScriptedRuntime();
    const work = pending<string>();
    const call = timeout({ timeoutMs: 500, runtime }).run(() => work.promise);
    runtime.stall(30_000);
    // The answer has long been in the socket; it is read in the next turn of the loop.
    runtime.time.setTimer(0, () => work.resolve("it was there"));
    await runtime.advance(1);
    expect(await call).toBe("it was there");
  });

  it("still ends what has not arrived", async () => {
    const runtime = new ScriptedRuntime();
    const call = outcomeOf(timeout({ timeoutMs: 500, runtime }).run(() => new Promise(() => {})));
    runtime.stall(30_000);
    await runtime.advance(1);
    expect(await call).toMatchObject({ error: { code: "TIMEOUT" } });
  });
});

describe("deadlines of many calls", () => {
  it("each ends at its own, behind one timer", async () => {
    const runtime = new ScriptedRuntime();
    const ended: number[] = [];
    for (const ms of [300, 100, 200, 100, 500, 400]) {
      const policy = timeout({ timeoutMs: ms, runtime });
      void outcomeOf(policy.run(() => new Promise(() => {}))).then(() => ended.push(ms));
    }
    await runtime.advance(0);
    expect(runtime.pendingTimers).toBe(1);
    await runtime.advance(1_000);
    expect(ended).toEqual([100, 100, 200, 300, 400, 500]);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });
});
