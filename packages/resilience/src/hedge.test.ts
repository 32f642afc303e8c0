import { refuse } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { backoff } from "./backoff.ts";
import { bulkhead } from "./bulkhead.ts";
import { safe, world } from "./hedge.fixture.ts";
import type { Guard } from "./layer.ts";
import { outcomeOf } from "./policy.fixture.ts";
import { LayeredPolicy, pipe, policyOf } from "./policy.ts";
import { hedge } from "./hedge.ts";
import { retry } from "./retry.ts";
import { timeout } from "./timeout.ts";

describe("a hedge", () => {
  it("asks a second time when the first takes long, and takes the first answer", async () => {
    const { runtime, policy, work, calls, answer } = world();
    const call = policy.run(work, safe);
    await runtime.advance(99);
    expect(calls).toHaveLength(1);
    await runtime.advance(1);
    expect(calls.map((one) => one.attempt)).toEqual([1, 2]);
    answer(2).resolve("second");
    expect(await call).toBe("second");
    expect(policy.stats).toMatchObject({ calls: 1, sent: 1, won: 1 });
  });

  it("cancels the loser, with a reason", async () => {
    const { runtime, policy, work, calls, answer } = world();
    const call = policy.run(work, safe);
    await runtime.advance(100);
    answer(2).resolve("second");
    await call;
    expect(calls[0]?.isCancelled).toBe(true);
    expect(calls[0]?.signal.reason).toMatchObject({ code: "ABORTED", effect: "unknown" });
    expect(calls[1]?.isCancelled).toBe(false);
  });

  it("sends nothing when the answer is in time, and leaves no timer", async () => {
    const { runtime, policy, work, calls, answer } = world();
    const call = policy.run(work, safe);
    await runtime.advance(50);
    answer(1).resolve("first");
    expect(await call).toBe("first");
    await runtime.advance(1_000);
    expect(calls).toHaveLength(1);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("case 23: never hedges an unsafe call", async () => {
    const { runtime, policy, work, calls, answer } = world();
    const call = policy.run(work);
    await runtime.advance(10_000);
    answer(1).resolve("first");
    expect(await call).toBe("first");
    expect(calls).toHaveLength(1);
    expect(policy.stats).toMatchObject({ unsafe: 1, calls: 0, sent: 0 });
  });

  it("hedges a keyed call, with the same key", async () => {
    const { runtime, policy, work, calls, answer } = world();
    const call = policy.run(work, { key: "order-1" });
    await runtime.advance(100);
    answer(1).resolve("first");
    expect(await call).toBe("first");
    expect(calls.map((one) => one.key)).toEqual(["order-1", "order-1"]);
  });

  it("sends up to `hedges` more, each after another delay", async () => {
    const { runtime, policy, work, calls, answer } = world({ hedges: 2 });
    const call = policy.run(work, safe);
    await runtime.advance(199);
    expect(calls).toHaveLength(2);
    await runtime.advance(1);
    expect(calls.map((one) => one.attempt)).toEqual([1, 2, 3]);
    await runtime.advance(1_000);
    expect(calls).toHaveLength(3);
    answer(3).resolve("third");
    expect(await call).toBe("third");
  });

  it("takes plain values and synchronous throws as they come", async () => {
    const { runtime, policy } = world();
    expect(await policy.run(() => undefined, safe)).toBeUndefined();
    const call = policy.run(() => {
      throw null;
    }, safe);
    expect(await outcomeOf(call)).toEqual({ error: null });
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("failures under a hedge", () => {
  it("before a hedge was sent are failures: it is no retry", async () => {
    const { runtime, policy, work, calls, answer } = world();
    const call = outcomeOf(policy.run(work, safe));
    const error = new Error("first");
    answer(1).reject(error);
    expect(await call).toEqual({ error });
    await runtime.advance(1_000);
    expect(calls).toHaveLength(1);
  });

  it("are no answer while another attempt runs", async () => {
    const { runtime, policy, work, answer } = world();
    const call = policy.run(work, safe);
    await runtime.advance(100);
    answer(1).reject(new Error("first"));
    await runtime.advance(10);
    answer(2).resolve("second");
    expect(await call).toBe("second");
  });

  it("of all attempts come out as the first one's, whichever was last", async () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      const { runtime, policy, work, answer } = world();
      const call = outcomeOf(policy.run(work, safe));
      await runtime.advance(100);
      const errors = new Map(order.map((attempt) => [attempt, new Error(`${attempt}`)]));
      for (const attempt of order) answer(attempt).reject(errors.get(attempt));
      expect(((await call) as { error: unknown }).error).toBe(errors.get(1));
    }
  });

  it("do not say that nothing happened where the hedge may have", async () => {
    const { runtime, policy, work, answer } = world();
    const call = outcomeOf(policy.run(work, safe));
    await runtime.advance(100);
    const lost = new Error("reset");
    answer(1).reject(Object.assign(new Error("not sent"), { code: "ECONNREFUSED" }));
    answer(2).reject(lost);
    expect(((await call) as { error: unknown }).error).toBe(lost);
  });

  it("that are definite answers stand", async () => {
    const { runtime, policy, work, answer } = world();
    const call = outcomeOf(policy.run(work, safe));
    await runtime.advance(100);
    const no = refuse("sold-out");
    answer(2).reject(new Error("reset"));
    answer(1).reject(no);
    expect(((await call) as { error: unknown }).error).toBe(no);
  });
});

describe("case 23: whoever loses a race harms nobody:", () => {
  /** Counts the places that calls hold, as a bulkhead inside the hedge would. */
  function places(runtime: ScriptedRuntime) {
    const count = { held: 0, highest: 0 };
    const guard: Guard = {
      kind: "guard",
      rank: "limit",
      runtime,
      enter: () => void (count.highest = Math.max(count.highest, ++count.held)),
      succeed: () => {},
      fail: () => {},
      cancel: () => {},
      settle: () => void (count.held -= 1),
    };
    return { count, policy: policyOf(guard) };
  }

  it("late outcomes are dropped, and places are held until the work has ended", async () => {
    for (const late of ["value", "error"] as const) {
      const { runtime, policy, work, answer } = world({ hedges: 2 });
      const inner = places(runtime);
      const call = pipe(policy, inner.policy).run(work, safe);
      await runtime.advance(200);
      expect(inner.count.held).toBe(3);
      answer(2).resolve("second");
      expect(await call).toBe("second");
      await runtime.advance(0);
      expect(inner.count.held).toBe(2);
      if (late === "value") answer(1).resolve("late");
      else answer(1).reject(new Error("late"));
      await runtime.advance(0);
      expect(inner.count.held).toBe(1);
      answer(3).reject(new Error("later"));
      await runtime.advance(20);
      expect(inner.count).toEqual({ held: 0, highest: 3 });
      expect(runtime.pendingTimers).toBe(0);
    }
  });

  it("a bulkhead inside has the exact count, and is never exceeded", async () => {
    const { runtime, policy, work, answer } = world({ hedges: 3 });
    const inner = bulkhead({ max: 2, queue: 0, runtime });
    const call = pipe(policy, inner).run(work, safe);
    await runtime.advance(400); // The third and fourth are turned away, and cost nothing.
    expect([inner.stats.running, inner.stats.rejected]).toEqual([2, 2]);
    answer(2).resolve("second");
    expect(await call).toBe("second");
    await runtime.advance(0);
    expect(inner.stats.running).toBe(1);
    answer(1).reject(new Error("late"));
    await runtime.advance(0);
    expect(inner.stats.running).toBe(0);
  });

  it("a hedge that is not let in costs the call nothing", async () => {
    const { runtime, policy, work, answer, calls } = world();
    let asked = 0;
    const full = new Error("full");
    const refusing: Guard = {
      kind: "guard",
      rank: "limit",
      runtime,
      enter() {
        if (++asked > 1) throw full;
        return undefined;
      },
      succeed: () => {},
      fail: () => {},
      cancel: () => {},
    };
    const call = pipe(policy, policyOf(refusing)).run(work, safe);
    await runtime.advance(150);
    expect([asked, calls.length]).toEqual([2, 1]);
    answer(1).resolve("first");
    expect(await call).toBe("first");
  });

  it("a place around the hedge is held until the last attempt has ended", async () => {
    const { runtime, policy, work, answer } = world();
    const outer = places(runtime);
    // Not by `pipe`, which would rightly warn of a limit around a hedge.
    const both = new LayeredPolicy([...outer.policy.layers, ...policy.layers]);
    const call = both.run(work, safe);
    await runtime.advance(100);
    answer(1).resolve("first");
    await call;
    await runtime.advance(0);
    expect(outer.count.held).toBe(1);
    answer(2).resolve("late");
    await runtime.advance(0);
    expect(outer.count.held).toBe(0);
  });
});

describe("a hedged call", () => {
  it("that is cancelled cancels all its attempts, and rejects with the reason", async () => {
    const { runtime, policy, work, calls } = world();
    const controller = new AbortController();
    const call = outcomeOf(policy.run(work, { ...safe, signal: controller.signal }));
    await runtime.advance(100);
    const reason = { why: "shutdown" };
    controller.abort(reason);
    expect(((await call) as { error: unknown }).error).toBe(reason);
    expect(calls.map((one) => one.signal.reason)).toEqual([reason, reason]);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("that is cancelled after its first attempt failed rejects with the reason", async () => {
    const { runtime, policy, work, answer } = world();
    const controller = new AbortController();
    const call = outcomeOf(policy.run(work, { ...safe, signal: controller.signal }));
    await runtime.advance(100);
    answer(1).reject(new Error("first"));
    await runtime.advance(10);
    controller.abort("enough");
    expect(await call).toEqual({ error: "enough" });
  });

  it("that is cancelled with an answer in hand has its answer", async () => {
    const { runtime, policy, work, answer } = world();
    const controller = new AbortController();
    const call = policy.run(work, { ...safe, signal: controller.signal });
    await runtime.advance(100);
    answer(2).resolve("second");
    controller.abort("too late");
    expect(await call).toBe("second");
  });

  it("that is cancelled before the delay is not hedged", async () => {
    const { runtime, policy, work, calls } = world();
    const controller = new AbortController();
    const call = outcomeOf(policy.run(work, { ...safe, signal: controller.signal }));
    controller.abort("enough");
    expect(await call).toEqual({ error: "enough" });
    await runtime.advance(1_000);
    expect(calls).toHaveLength(1);
  });

  it("that a listener cancels just before the hedge is not hedged", async () => {
    const { runtime, policy, work, calls } = world();
    const controller = new AbortController();
    policy.on("sent", () => controller.abort("enough"));
    const call = outcomeOf(policy.run(work, { ...safe, signal: controller.signal }));
    await runtime.advance(100);
    expect(await call).toEqual({ error: "enough" });
    expect(calls).toHaveLength(1);
  });

  it("is not hedged at its deadline", async () => {
    const { runtime, policy, work, calls } = world();
    const call = outcomeOf(policy.run(work, { ...safe, timeoutMs: 100 }));
    await runtime.advance(100);
    expect(await call).toMatchObject({ error: { code: "TIMEOUT", effect: "unknown" } });
    expect([calls.length, policy.stats.sent]).toEqual([1, 0]);
  });

  it("ends at its deadline with all its attempts", async () => {
    const { runtime, policy, work, calls } = world();
    const call = outcomeOf(policy.run(work, { ...safe, timeoutMs: 150 }));
    await runtime.advance(150);
    expect(await call).toMatchObject({ error: { code: "TIMEOUT", effect: "unknown" } });
    expect(calls.map((one) => one.signal.aborted)).toEqual([true, true]);
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("that times out in one attempt is answered by another", async () => {
    const { runtime, policy, work, answer } = world();
    const both = pipe(policy, timeout({ timeoutMs: 120, runtime }));
    const call = both.run(work, safe);
    await runtime.advance(130);
    answer(2).resolve("second");
    expect(await call).toBe("second");
  });

  it("may be retried as a whole", async () => {
    const runtime = new ScriptedRuntime();
    const again = retry({ backoff: backoff.constant({ delayMs: 10 }), runtime });
    const both = pipe(again, hedge({ delayMs: 100, runtime }));
    const attempts: number[] = [];
    const call = both.run(async (one) => {
      attempts.push(one.attempt);
      if (attempts.length === 1) throw new Error("reset");
      return "done";
    }, safe);
    await runtime.advance(10);
    expect(await call).toBe("done");
    expect(attempts).toEqual([1, 2]);
  });
});

describe("what a hedge tells", () => {
  it("goes to listeners and to channels", async () => {
    const { runtime, policy, work, answer } = world({ name: "search" });
    const call = policy.run(work, safe);
    await runtime.advance(100);
    answer(2).resolve("second");
    await call;
    expect(runtime.recorded).toEqual([
      { name: "hedge.sent", event: { hedge: "search", attempt: 2, afterMs: 100 } },
      { name: "hedge.won", event: { hedge: "search", attempt: 2, sent: 2 } },
    ]);
  });
});
