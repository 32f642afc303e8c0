import { isQuorateError, QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { AdmissionOptions } from "./admission-options.ts";
import { admission } from "./admission.ts";
import { codeOf, type Job, startJob } from "./bulkhead.fixture.ts";
import type { Policy } from "./policy.ts";

function given(options: Omit<AdmissionOptions, "runtime"> = {}) {
  const runtime = new ScriptedRuntime();
  const gate = admission({ ...options, runtime });
  /** Lets so many handlers run for so long, one by one. */
  const learn = async (durationMs: number, times = 30, policy: Policy = gate): Promise<void> => {
    for (let index = 0; index < times; index++) {
      const job = startJob(policy);
      await runtime.advance(durationMs);
      job.finish();
      await runtime.advance(0);
    }
  };
  return { runtime, gate, learn };
}

function detailsOf(job: Job): { readonly reason?: string; readonly retryAfterMs?: number } {
  const { error } = job.outcome as { error: unknown };
  return isQuorateError(error, "OVERLOADED") ? error.details : {};
}

describe("admission: deadlines", () => {
  it("does not run what is expired", async () => {
    const { runtime, gate } = given();
    await runtime.advance(100);
    const job = startJob(gate, { deadlineMs: 99 });
    await runtime.advance(0);
    expect(codeOf(job.outcome)).toBe("OVERLOADED none");
    expect(detailsOf(job).reason).toBe("late");
    expect(job.isRunning).toBe(false);
  });

  it("does not run what has less time than its handler's median", async () => {
    const { runtime, gate, learn } = given();
    await learn(30);
    const [late, inTime] = [29, 30].map((timeoutMs) => startJob(gate, { timeoutMs }));
    await runtime.advance(0);
    expect([late?.isRunning, inTime?.isRunning]).toEqual([false, true]);
    expect(detailsOf(late as Job).reason).toBe("late");
  });

  it("runs anything unexpired as long as it knows too little of the handler", async () => {
    const { runtime, gate, learn } = given();
    await learn(30, 19);
    const job = startJob(gate, { timeoutMs: 1 });
    await runtime.advance(0);
    expect(job.isRunning).toBe(true);
  });

  it("lets a waiter go as soon as it cannot make it, and not sooner", async () => {
    const { runtime, gate, learn } = given({ limit: 1 });
    await learn(30);
    startJob(gate);
    const job = startJob(gate, { timeoutMs: 100 });
    await runtime.advance(69);
    expect(job.outcome).toBeUndefined();
    await runtime.advance(1);
    expect(codeOf(job.outcome)).toBe("OVERLOADED none");
  });

  it("judges by the margin that it is given", async () => {
    const { runtime, gate, learn } = given({ margin: 2 });
    await learn(30);
    const [late, inTime] = [59, 60].map((timeoutMs) => startJob(gate, { timeoutMs }));
    await runtime.advance(0);
    expect([late?.isRunning, inTime?.isRunning]).toEqual([false, true]);
  });

  it("keeps a median per method, over one line", async () => {
    const { runtime, gate, learn } = given({ limit: 2, queue: 0 });
    const [quick, slow] = [gate.method("quick"), gate.method("slow")];
    for (let round = 0; round < 30; round++) {
      await learn(1, 1, quick);
      await learn(200, 1, slow);
    }
    const jobs = [startJob(quick, { timeoutMs: 50 }), startJob(slow, { timeoutMs: 50 })];
    startJob(slow);
    const full = startJob(quick);
    await runtime.advance(0);
    expect(jobs.map(({ isRunning }) => isRunning)).toEqual([true, false]);
    expect(detailsOf(full).reason).toBe("full");
  });

  it("times a handler that outlives its deadline to its end, and holds its place", async () => {
    const { runtime, gate } = given();
    for (let round = 0; round < 20; round++) {
      const job = startJob(gate, { timeoutMs: 10 });
      await runtime.advance(80);
      expect(codeOf(job.outcome)).toBe("TIMEOUT unknown");
      expect(gate.stats).toMatchObject({ running: 1, leaked: 1 });
      job.finish();
      await runtime.advance(0);
    }
    expect(codeOf(await startJob(gate, { timeoutMs: 79 }).ended)).toBe("OVERLOADED none");
  });

  it("does not shut everybody out for ever after one bad minute", async () => {
    const { runtime, gate, learn } = given();
    await learn(5_000, 20);
    expect(codeOf(await startJob(gate, { timeoutMs: 500 }).ended)).toBe("OVERLOADED none");
    await runtime.advance(251);
    const job = startJob(gate, { timeoutMs: 500 });
    await runtime.advance(0);
    expect(job.isRunning).toBe(true);
  });

  it("does not learn from handlers that fail, fast or slow", async () => {
    const { runtime, gate } = given();
    for (let round = 0; round < 40; round++) {
      const job = startJob(gate);
      await runtime.advance(50);
      job.fail(round % 2 === 0 ? new Error("bug") : { status: 503 });
      await runtime.advance(0);
    }
    const job = startJob(gate, { timeoutMs: 5 });
    await runtime.advance(0);
    expect(job.isRunning).toBe(true);
  });
});

describe("admission: load", () => {
  it("refuses at once when its line is full, and says when to ask again", async () => {
    const { runtime, gate, learn } = given({ limit: 2, queue: 9, name: "orders" });
    await learn(40);
    const jobs = Array.from({ length: 12 }, () => startJob(gate));
    await runtime.advance(0);
    const last = jobs.at(-1) as Job;
    expect(last.outcome).toMatchObject({ error: { message: expect.stringContaining("orders") } });
    expect(detailsOf(last).reason).toBe("full");
    // Ten calls of 40 ms on two places take 200 ms; chance doubles that at most.
    expect(detailsOf(last).retryAfterMs).toBeGreaterThanOrEqual(200);
    expect(detailsOf(last).retryAfterMs).toBeLessThanOrEqual(400);
    expect(gate.stats).toMatchObject({ limit: 2, running: 2, queued: 9, pressure: 1 });
  });

  it("does not send those that it refuses back in one herd", async () => {
    const { gate } = given({ limit: 1, queue: 0 });
    startJob(gate);
    const told = new Set<unknown>();
    for (let index = 0; index < 50; index++) {
      const job = startJob(gate);
      await job.ended;
      told.add(detailsOf(job).retryAfterMs);
    }
    expect(told.size).toBeGreaterThan(20);
  });

  it("sheds negative priorities first: -1 does not wait, -2 wants half free", async () => {
    const { runtime, gate } = given({ limit: 4, queue: 4 });
    const admits = async (priority: number): Promise<boolean> => {
      const job = startJob(gate, { priority });
      await runtime.advance(0);
      const isIn = job.outcome === undefined;
      if (isIn && job.isRunning) job.finish();
      await runtime.advance(0);
      return isIn;
    };
    startJob(gate);
    expect([await admits(-1), await admits(-2)]).toEqual([true, true]);
    startJob(gate);
    expect([await admits(-1), await admits(-2)]).toEqual([true, false]);
    startJob(gate);
    startJob(gate);
    expect([await admits(-1), await admits(0)]).toEqual([false, true]);
    expect(gate.stats.shed).toEqual({ full: 0, late: 0, priority: 2, displaced: 0 });
  });

  it("never sheds a higher priority while a lower one waits", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 40, size: "max" }),
        fc.integer({ min: 0, max: 5 }),
        async (priorities, queue) => {
          const { runtime, gate } = given({ limit: 2, queue });
          const jobs = priorities.map((priority) => ({
            priority,
            job: startJob(gate, { priority }),
          }));
          await runtime.advance(0);
          const waiting = jobs.filter(({ job }) => !job.isRunning && job.outcome === undefined);
          const shed = jobs.filter(({ job }) => job.outcome !== undefined);
          const lowestWaiting = Math.min(...waiting.map(({ priority }) => priority));
          // Negative ones are shed for their priority before there is a line.
          const highestShed = Math.max(...shed.map(({ priority }) => priority));
          if (waiting.length > 0 && shed.length > 0) {
            expect(highestShed).toBeLessThanOrEqual(lowestWaiting);
          }
          expect(gate.stats.queued).toBe(waiting.length);
          expect(waiting.length).toBeLessThanOrEqual(queue);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("sheds where shedAt says, and as usual if that throws", async () => {
    const half = given({ limit: 4, shedAt: () => 0.25 });
    startJob(half.gate);
    startJob(half.gate);
    const shed = startJob(half.gate);
    await half.runtime.advance(0);
    expect(detailsOf(shed).reason).toBe("priority");

    const never = given({ limit: 1, queue: 1, shedAt: () => 1 });
    startJob(never.gate);
    const low = startJob(never.gate, { priority: -1 });
    startJob(never.gate, { priority: 1 });
    await never.runtime.advance(0);
    expect(detailsOf(low).reason).toBe("displaced");

    const broken = given({
      limit: 1,
      shedAt: () => {
        throw new Error("mine");
      },
    });
    const first = startJob(broken.gate);
    const waits = startJob(broken.gate);
    const lower = startJob(broken.gate, { priority: -1 });
    await broken.runtime.advance(0);
    expect([first.isRunning, waits.outcome, codeOf(lower.outcome)]).toEqual([
      true,
      undefined,
      "OVERLOADED none",
    ]);
    const names = broken.runtime.recorded.map(({ name }) => name);
    expect(names).toContain("resilience.listener-failed");
  });

  it("finds its limit by itself, and shrinks when what is behind it is overloaded", async () => {
    const { gate } = given();
    expect(gate.stats.limit).toBe(20);
    const busy = new QuorateError("OVERLOADED", "busy", {
      effect: "none",
      details: { reason: "" },
    });
    for (let index = 0; index < 100; index++) {
      await gate.run(() => Promise.reject(busy)).catch(() => {});
    }
    expect(gate.stats.limit).toBeLessThan(20);
    expect(gate.stats.running).toBe(0);
  });

  it("tells of what it sheds, with the method", async () => {
    const { runtime, gate } = given({ limit: 1, queue: 0, name: "orders" });
    const heard: unknown[] = [];
    gate.on("shed", (event) => heard.push(event));
    startJob(gate);
    startJob(gate.method("charge"), { priority: 3 });
    await runtime.advance(0);
    expect(heard).toEqual([
      { admission: "orders", method: "charge", reason: "full", priority: 3, running: 1, queued: 0 },
    ]);
    expect(runtime.recorded).toContainEqual({ name: "admission.shed", event: heard[0] });
  });

  it.each<[string, object]>([
    ["limit", { limit: 0 }],
    ["limit.most", { limit: { most: 3 } }],
    ["limit", { limit: null }],
    ["initial", { limit: { initial: 0 } }],
    ["queue", { queue: -1 }],
    ["margin", { margin: -1 }],
    ["shedAt", { shedAt: 0.5 }],
    ["order", { order: "" }],
    ["admission.quene", { quene: 1 }],
  ])("case 15: refuses %s of %j", (option, options) => {
    expect(() => admission(options as AdmissionOptions)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: expect.objectContaining({ option }),
      }),
    );
  });
});
