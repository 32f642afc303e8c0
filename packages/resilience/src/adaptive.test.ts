import { QuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { adaptive, type AdaptiveOptions } from "./adaptive.ts";
import { codeOf, startJob } from "./bulkhead.fixture.ts";
import type { LimitAlgorithm, LimitSample } from "./limit-machine.ts";
import { pipe } from "./policy.ts";
import { timeout } from "./timeout.ts";

/** An algorithm that writes down its samples and says what it is told to. */
function scripted(say: { limit: number }) {
  const samples: LimitSample[] = [];
  const algorithm: LimitAlgorithm = {
    name: "scripted",
    start: () => ({
      get limit() {
        return say.limit;
      },
      sample: (sample) => void samples.push(sample),
    }),
  };
  return { samples, algorithm };
}

function given(options: Omit<AdaptiveOptions, "runtime"> = {}) {
  const runtime = new ScriptedRuntime();
  return { runtime, policy: adaptive({ ...options, runtime }) };
}

const overloaded = () =>
  new QuorateError("OVERLOADED", "busy", { effect: "none", details: { reason: "full" } });

describe("adaptive", () => {
  it("tells its machine how long a call ran, not how long it waited", async () => {
    const { samples, algorithm } = scripted({ limit: 1 });
    const { runtime, policy } = given({ algorithm, initial: 1, queue: 1 });
    const [one, other] = [startJob(policy), startJob(policy)];
    await runtime.advance(100);
    one.finish();
    await runtime.advance(30);
    other.finish();
    await runtime.advance(0);
    expect(samples).toEqual([
      { rttMs: 100, inFlight: 1, dropped: false },
      { rttMs: 30, inFlight: 1, dropped: false },
    ]);
  });

  it("counts signs of overload as dropped, other errors and cancels not at all", async () => {
    const { samples, algorithm } = scripted({ limit: 20 });
    const { runtime, policy } = given({ algorithm });
    const errors = [
      overloaded(),
      Object.assign(new Error(), { status: 503 }),
      Object.assign(new Error(), { statusCode: 429 }),
      Object.assign(new Error(), { status: 404 }),
      new Error("bug"),
      undefined,
      null,
    ];
    for (const error of errors) startJob(policy).fail(error);
    await runtime.advance(0);
    const caller = new AbortController();
    startJob(policy, { signal: caller.signal });
    caller.abort(overloaded());
    await runtime.advance(0);
    expect(samples.map(({ dropped }) => dropped)).toEqual([true, true, true]);
    expect(policy.stats.dropped).toBe(3);
  });

  it("counts a call that its deadline ended as dropped, and holds its place", async () => {
    const { samples, algorithm } = scripted({ limit: 20 });
    const { runtime, policy } = given({ algorithm });
    const job = startJob(pipe(policy, timeout({ timeoutMs: 50, runtime })));
    await runtime.advance(50);
    expect(codeOf(job.outcome)).toBe("TIMEOUT unknown");
    expect(samples).toEqual([{ rttMs: 50, inFlight: 1, dropped: true }]);
    expect(policy.stats).toMatchObject({ running: 1, leaked: 1 });
    job.finish();
    await runtime.advance(0);
    expect(policy.stats).toMatchObject({ running: 0, leaked: 0 });
    expect(samples).toHaveLength(1);
  });

  it("wakes as many as a raised limit has room for, and ends nobody when it falls", async () => {
    const say = { limit: 1 };
    const { algorithm } = scripted(say);
    const { runtime, policy } = given({ algorithm, initial: 1, queue: 10 });
    const moves: unknown[] = [];
    policy.on("moved", ({ limit, before }) => moves.push([before, limit]));
    const jobs = Array.from({ length: 6 }, () => startJob(policy));
    await runtime.advance(0);
    say.limit = 4;
    jobs[0]?.finish();
    await runtime.advance(0);
    expect(jobs.map(({ isRunning }) => isRunning)).toEqual([true, true, true, true, true, false]);
    say.limit = 2;
    jobs[1]?.finish();
    await runtime.advance(0);
    expect(policy.stats).toMatchObject({ limit: 2, running: 3, queued: 1 });
    jobs[2]?.finish();
    await runtime.advance(0);
    expect(policy.stats).toMatchObject({ running: 2, queued: 1 });
    jobs[3]?.finish();
    await runtime.advance(0);
    expect(policy.stats).toMatchObject({ running: 2, queued: 0 });
    expect(moves).toEqual([
      [1, 4],
      [4, 2],
    ]);
    const told = runtime.recorded.filter(({ name }) => name === "adaptive.moved");
    expect(told).toHaveLength(2);
  });

  it("wakes waiters when the limit rises though no place came free", async () => {
    const say = { limit: 1 };
    const { algorithm } = scripted(say);
    const { runtime, policy } = given({ algorithm, initial: 1, queue: 5 });
    startJob(pipe(policy, timeout({ timeoutMs: 50, runtime })));
    const waiting = startJob(policy);
    say.limit = 2;
    await runtime.advance(50);
    expect(policy.stats).toMatchObject({ limit: 2, running: 2, leaked: 1, queued: 0 });
    expect(waiting.isRunning).toBe(true);
  });

  it("leaves min places for others when work has hung, but max in all", async () => {
    const say = { limit: 1 };
    const { algorithm } = scripted(say);
    const { runtime, policy } = given({ algorithm, initial: 1, min: 1, max: 3, queue: 9 });
    const impatient = pipe(policy, timeout({ timeoutMs: 50, runtime }));
    const hung = [startJob(impatient), startJob(impatient), startJob(impatient)];
    const behind = startJob(policy);
    await runtime.advance(149);
    expect(hung.map(({ isRunning }) => isRunning)).toEqual([true, true, true]);
    expect(policy.stats).toMatchObject({ limit: 3, leaked: 2 });
    await runtime.advance(1_000);
    expect(behind.isRunning).toBe(false);
    expect(policy.stats).toMatchObject({ limit: 3, running: 3, leaked: 3 });
    hung[0]?.finish();
    await runtime.advance(0);
    expect(behind.isRunning).toBe(true);
    const after = startJob(policy);
    hung[1]?.finish();
    await runtime.advance(0);
    // One is hung, so the limit of one is two, and the one that lives runs.
    expect(policy.stats).toMatchObject({ limit: 2, running: 2, leaked: 1, queued: 1 });
    hung[2]?.finish();
    await runtime.advance(0);
    expect(policy.stats).toMatchObject({ limit: 1, running: 1, leaked: 0, queued: 1 });
    behind.finish();
    await runtime.advance(0);
    expect(after.isRunning).toBe(true);
  });

  it("is not moved by a machine that throws or talks nonsense", async () => {
    const runtime = new ScriptedRuntime();
    const nonsense = [Number.NaN, "x", undefined, -5, 1e9];
    const limits: number[] = [];
    for (const limit of nonsense) {
      const algorithm = scripted({ limit: limit as number }).algorithm;
      const policy = adaptive({ algorithm, max: 50, runtime });
      await policy.run(() => 1);
      limits.push(policy.stats.limit);
    }
    expect(limits).toEqual([20, 20, 20, 1, 50]);
    const thrower: LimitAlgorithm = {
      name: "thrower",
      start: () => ({
        limit: 3,
        sample: () => {
          throw new Error("broken");
        },
      }),
    };
    const policy = adaptive({ algorithm: thrower, runtime });
    expect(await policy.run(() => "kept")).toBe("kept");
    expect(policy.stats).toMatchObject({ limit: 20, running: 0 });
    expect(runtime.recorded.map(({ name }) => name)).toContain("resilience.listener-failed");
  });

  it("case 13: a dropped that throws is reported, and the usual signs count", async () => {
    const { runtime, policy } = given({
      dropped: () => {
        throw new Error("predicate");
      },
    });
    const error = overloaded();
    await expect(policy.run(() => Promise.reject(error))).rejects.toBe(error);
    expect(policy.stats).toMatchObject({ dropped: 1, running: 0 });
    expect(runtime.recorded.map(({ name }) => name)).toContain("resilience.listener-failed");
  });

  it.each(["gradient", "vegas", "aimd"] as const)(
    "shrinks by %s when all is refused",
    async (name) => {
      const { policy } = given({ algorithm: name });
      for (let index = 0; index < 200; index++) {
        await policy.run(() => Promise.reject(overloaded())).catch(() => {});
      }
      expect(policy.stats.limit).toBeLessThan(20);
      expect(policy.stats.limit).toBeGreaterThanOrEqual(1);
    },
  );

  it("refuses like a bulkhead: full, and too late", async () => {
    const { runtime, policy } = given({ initial: 1, max: 1, queue: 1, name: "search" });
    startJob(policy);
    const waiting = startJob(policy, { timeoutMs: 10 });
    const full = startJob(policy);
    await runtime.advance(10);
    expect(codeOf(full.outcome)).toBe("BULKHEAD_FULL none");
    expect(codeOf(waiting.outcome)).toBe("TIMEOUT none");
    expect(policy.stats).toMatchObject({ rejected: 2, queued: 0 });
  });

  it.each<[string, object]>([
    ["algorithm", { algorithm: "magic" }],
    ["algorithm", { algorithm: { name: "x" } }],
    ["algorithm", { algorithm: null }],
    ["initial", { initial: 5, max: 4 }],
    ["max", { min: 5, max: 4 }],
    ["min", { min: 0 }],
    ["dropped", { dropped: 1 }],
    ["queue", { queue: 0.5 }],
  ])("case 15: refuses %s of %j", (option, options) => {
    expect(() => adaptive(options as AdaptiveOptions)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: expect.objectContaining({ option }),
      }),
    );
  });

  it("starts within bounds that leave out the default", () => {
    expect(adaptive({ max: 5 }).stats.limit).toBe(5);
    expect(adaptive({ min: 50 }).stats.limit).toBe(50);
  });
});
