import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { codeOf, type Job, startJob } from "./bulkhead.fixture.ts";
import { bulkhead, type BulkheadOptions } from "./bulkhead.ts";
import { pipe } from "./policy.ts";

type Given = Omit<BulkheadOptions, "runtime">;

function given(options: Given) {
  const runtime = new ScriptedRuntime();
  return { runtime, policy: bulkhead({ ...options, runtime }) };
}

const namesRunning = (jobs: readonly Job[]): number[] =>
  jobs.flatMap((job, index) => (job.isRunning ? [index] : []));

describe("bulkhead: waiting", () => {
  it("hands a place to who waits, never to who comes later", async () => {
    const { runtime, policy } = given({ max: 1, queue: 2 });
    const [first, second] = [startJob(policy), startJob(policy)];
    await runtime.advance(0);
    first.finish();
    let third: Job | undefined;
    // Between the end of the first and the start of the second there is no gap to slip into.
    void first.ended.then(() => (third = startJob(policy)));
    await runtime.advance(0);
    expect([second.isRunning, third?.isRunning]).toEqual([true, false]);
  });

  it.each([
    ["fifo", [1, 2, 3]],
    ["lifo", [3, 2, 1]],
    ["adaptive", [1, 2, 3]],
  ] as const)("serves %s in the order %j", async (order, expected) => {
    const { runtime, policy } = given({ max: 1, queue: 5, order });
    const served: number[] = [];
    const runs = [0, 1, 2, 3].map((name) => policy.run(async () => void served.push(name)));
    await runtime.advance(0);
    await Promise.all(runs);
    expect(served).toEqual([0, ...expected]);
  });

  it("serves the newest first once an adaptive line has been standing", async () => {
    const { runtime, policy } = given({ max: 1, queue: 5, order: "adaptive" });
    const jobs = [0, 1, 2, 3].map(() => startJob(policy));
    await runtime.advance(101);
    jobs[0]?.finish();
    await runtime.advance(0);
    expect(namesRunning(jobs)).toEqual([0, 3]);
  });

  it("lets a higher priority displace the newest of the lowest in a full line", async () => {
    const { runtime, policy } = given({ max: 1, queue: 2 });
    const [running, low, lower, high] = [0, 0, -1, 7].map((priority) =>
      startJob(policy, { priority }),
    );
    await runtime.advance(0);
    expect(codeOf(lower?.outcome)).toBe("BULKHEAD_FULL none");
    expect(codeOf(startJob(policy, { priority: -5 }).outcome)).toBe("none");
    running?.finish();
    await runtime.advance(0);
    expect([low?.isRunning, high?.isRunning]).toEqual([false, true]);
    expect(policy.stats).toMatchObject({ queued: 1, rejected: 2 });
  });

  it("keeps its order when a priority is no number", async () => {
    const { runtime, policy } = given({ max: 1, queue: 3 });
    const jobs = [0, Number.NaN, 0].map((priority) => startJob(policy, { priority }));
    for (const at of [0, 1]) {
      await runtime.advance(0);
      expect(namesRunning(jobs)).toEqual([0, 1, 2].slice(0, at + 1));
      jobs[at]?.finish();
    }
    await runtime.advance(0);
    expect(namesRunning(jobs)).toEqual([0, 1, 2]);
  });

  it("tells a waiter TIMEOUT, effect none, at its deadline, and skips it", async () => {
    const { runtime, policy } = given({ max: 1, queue: 1 });
    const running = startJob(policy);
    const waiting = startJob(policy, { timeoutMs: 50 });
    await runtime.advance(49);
    expect(waiting.outcome).toBeUndefined();
    await runtime.advance(1);
    expect(codeOf(waiting.outcome)).toBe("TIMEOUT none");
    expect(policy.stats.queued).toBe(0);
    const next = startJob(policy);
    running.finish();
    await runtime.advance(0);
    expect([waiting.isRunning, next.isRunning]).toEqual([false, true]);
  });

  it("refuses who has less than minRemainingMs, at once, in line, or then", async () => {
    const { runtime, policy } = given({ max: 1, queue: 5, minRemainingMs: 30 });
    expect(codeOf(await startJob(policy, { timeoutMs: 29 }).ended)).toBe("BULKHEAD_FULL none");
    const running = startJob(policy, { timeoutMs: 1_000 });
    expect(running.isRunning).toBe(true);
    const waiting = startJob(policy, { timeoutMs: 100 });
    expect(codeOf(await startJob(policy, { timeoutMs: 29 }).ended)).toBe("BULKHEAD_FULL none");
    await runtime.advance(69);
    expect(waiting.outcome).toBeUndefined();
    await runtime.advance(1);
    expect(codeOf(waiting.outcome)).toBe("BULKHEAD_FULL none");
    const stalled = startJob(policy, { timeoutMs: 100 });
    runtime.stall(75);
    running.finish();
    expect(codeOf(await stalled.ended)).toBe("BULKHEAD_FULL none");
    expect(stalled.isRunning).toBe(false);
  });

  it("does not even queue a call whose deadline has passed", async () => {
    const { runtime, policy } = given({ max: 1, queue: 5 });
    await runtime.advance(100);
    startJob(policy);
    const late = startJob(policy, { deadlineMs: 100 });
    expect(policy.stats).toMatchObject({ queued: 0, rejected: 1 });
    expect(codeOf(await late.ended)).toBe("TIMEOUT none");
  });

  it("does not queue a call that was cancelled on its way in, at whatever point", async () => {
    for (let jobsBefore = 0; jobsBefore < 12; jobsBefore++) {
      const runtime = new ScriptedRuntime();
      const outer = bulkhead({ max: 1, queue: 1, runtime });
      const inner = bulkhead({ max: 1, queue: 5, runtime });
      startJob(inner);
      const first = startJob(outer);
      const caller = new AbortController();
      const second = startJob(pipe(outer, inner), { signal: caller.signal });
      first.finish();
      for (let job = 0; job < jobsBefore; job++) await Promise.resolve();
      caller.abort("now");
      await runtime.advance(0);
      expect(second.outcome).toEqual({ error: "now" });
      expect([inner.stats.queued, outer.stats.running]).toEqual([0, 0]);
    }
  });

  it("case 16: a call that was cancelled before takes no place and does not run", async () => {
    const { runtime, policy } = given({ max: 1, queue: 1 });
    const reason = { why: "before" };
    const job = startJob(policy, { signal: AbortSignal.abort(reason) });
    await runtime.advance(0);
    expect(job.outcome).toEqual({ error: reason });
    expect(job.isRunning).toBe(false);
    expect(policy.stats).toMatchObject({ running: 0, queued: 0 });
  });

  it("case 16: an abort ends the wait in the same turn, with its own reason", async () => {
    const { runtime, policy } = given({ max: 1, queue: 2 });
    const caller = new AbortController();
    const reason = { why: "user left" };
    const running = startJob(policy);
    const waiting = startJob(policy, { signal: caller.signal, timeoutMs: 1_000 });
    const behind = startJob(policy);
    caller.abort(reason);
    expect(policy.stats.queued).toBe(1);
    await Promise.resolve().then(() => {});
    const told = await waiting.ended;
    expect((told as { error: unknown }).error).toBe(reason);
    running.finish();
    await runtime.advance(0);
    expect([waiting.isRunning, behind.isRunning]).toEqual([false, true]);
  });

  it("does not lose the place of a call that is cancelled as it is handed over", async () => {
    const { runtime, policy } = given({ max: 1, queue: 2 });
    const caller = new AbortController();
    let first!: () => void;
    const running = policy.run(() => new Promise<void>((resolve) => (first = resolve)));
    const chosen = startJob(policy, { signal: caller.signal });
    const behind = startJob(policy);
    first();
    // After the hand-over, before the chosen one's next job.
    void running.then(() => caller.abort("now"));
    await runtime.advance(0);
    expect(chosen.outcome).toEqual({ error: "now" });
    if (chosen.isRunning) chosen.finish();
    await runtime.advance(0);
    expect(behind.isRunning).toBe(true);
    behind.finish();
    await runtime.advance(0);
    expect(policy.stats.running).toBe(0);
  });

  it("hands over through 20,000 waiters without growing a stack", async () => {
    const { policy } = given({ max: 1, queue: 20_000 });
    let served = 0;
    const runs = Array.from({ length: 20_000 }, () => policy.run(() => (served += 1)));
    await Promise.all(runs);
    expect(served).toBe(20_000);
  });

  it("case 19: leaves no timer behind after all have settled", async () => {
    const { runtime, policy } = given({ max: 1, queue: 5 });
    const jobs = [1, 2, 3].map(() => startJob(policy, { timeoutMs: 60_000 }));
    for (const job of jobs) {
      job.finish();
      await runtime.advance(0);
    }
    await runtime.advance(20);
    expect(runtime.pendingTimers).toBe(0);
  });
});
