import { systemRuntime } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { codeOf, type Job, startJob } from "./bulkhead.fixture.ts";
import { bulkhead, type BulkheadOptions } from "./bulkhead.ts";
import type { Loop } from "./layer.ts";
import { pending } from "./policy.fixture.ts";
import { pipe, policyOf } from "./policy.ts";
import { timeout } from "./timeout.ts";

type Given = Omit<BulkheadOptions, "runtime">;

function given(options: Given) {
  const runtime = new ScriptedRuntime();
  return { runtime, policy: bulkhead({ ...options, runtime }) };
}

const namesRunning = (jobs: readonly Job[]): number[] =>
  jobs.flatMap((job, index) => (job.isRunning ? [index] : []));

describe("bulkhead: places", () => {
  it("runs at most max at once and refuses the rest at once, with effect none", async () => {
    const { runtime, policy } = given({ max: 2, name: "db" });
    const jobs = [1, 2, 3].map(() => startJob(policy));
    await runtime.advance(0);
    expect(namesRunning(jobs)).toEqual([0, 1]);
    expect(codeOf(jobs[2]?.outcome)).toBe("BULKHEAD_FULL none");
    expect(jobs[2]?.outcome).toMatchObject({
      error: { details: { bulkhead: "db", running: 2, queued: 0 } },
    });
    expect(policy.stats).toMatchObject({ max: 2, running: 2, queued: 0, leaked: 0, rejected: 1 });
  });

  it("gives a place back after a value, an error, and a synchronous throw", async () => {
    const { runtime, policy } = given({ max: 1 });
    expect(await policy.run(() => undefined)).toBeUndefined();
    await expect(policy.run(() => Promise.reject(null))).rejects.toBe(null);
    const thrown = new Error("at once");
    await expect(
      policy.run(() => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    expect(policy.stats.running).toBe(0);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("case 14: counts one end of a thenable that settles twice", async () => {
    const { policy } = given({ max: 1 });
    const twice = {
      // oxlint-disable-next-line unicorn/no-thenable
      then(resolve: (value: number) => void) {
        resolve(1);
        resolve(2);
      },
    } as PromiseLike<number>;
    expect(await policy.run(() => twice)).toBe(1);
    expect(policy.stats.running).toBe(0);
  });

  it("case 12: never runs more than max, though timed-out work ignores its abort", async () => {
    const runtime = new ScriptedRuntime();
    const places = bulkhead({ max: 2, queue: 10, runtime });
    const policy = pipe(places, timeout({ timeoutMs: 100, runtime }));
    const jobs = [1, 2, 3].map(() => startJob(policy));
    await runtime.advance(1_000);
    expect(jobs.map(({ outcome }) => codeOf(outcome))).toEqual([
      "TIMEOUT unknown",
      "TIMEOUT unknown",
      "none",
    ]);
    expect(namesRunning(jobs)).toEqual([0, 1]);
    expect(places.stats).toMatchObject({ running: 2, queued: 1, leaked: 2, leaks: 2 });
    jobs[0]?.fail(new Error("too late to matter"));
    await runtime.advance(0);
    expect(namesRunning(jobs)).toEqual([0, 1, 2]);
    expect(places.stats).toMatchObject({ running: 2, queued: 0, leaked: 1 });
    jobs[1]?.finish();
    jobs[2]?.finish();
    await runtime.advance(0);
    expect(places.stats).toMatchObject({ running: 0, leaked: 0, leaks: 2, overcommitted: 0 });
  });

  it("holds the place of cancelled work until it ends", async () => {
    const { runtime, policy } = given({ max: 1, queue: 1 });
    const caller = new AbortController();
    const first = startJob(policy, { signal: caller.signal });
    const second = startJob(policy);
    await runtime.advance(0);
    caller.abort("enough");
    await runtime.advance(0);
    expect(first.outcome).toEqual({ error: "enough" });
    expect(second.isRunning).toBe(false);
    first.finish();
    await runtime.advance(0);
    expect(second.isRunning).toBe(true);
  });

  it("gives a leaked place on after the grace, once, and says so", async () => {
    const runtime = new ScriptedRuntime();
    const places = bulkhead({ max: 1, queue: 1, leakedGraceMs: 500, runtime });
    const events: unknown[] = [];
    places.on("leaked", (event) => events.push(event));
    places.on("recovered", (event) => events.push(event));
    const stuck = startJob(pipe(places, timeout({ timeoutMs: 100, runtime })));
    const next = startJob(places);
    await runtime.advance(599);
    expect(next.isRunning).toBe(false);
    await runtime.advance(1);
    expect(next.isRunning).toBe(true);
    expect(places.stats).toMatchObject({ running: 1, leaked: 0, leaks: 1, overcommitted: 1 });
    stuck.finish();
    await runtime.advance(0);
    expect(places.stats.running).toBe(1);
    expect(events).toEqual([
      { bulkhead: "bulkhead", leaked: 1 },
      { bulkhead: "bulkhead", leaked: 0, by: "grace" },
    ]);
    next.finish();
    await runtime.advance(0);
    expect(places.stats.running).toBe(0);
  });

  it("forgets the grace of a leaked place whose work ends before it", async () => {
    const runtime = new ScriptedRuntime();
    const places = bulkhead({ max: 1, leakedGraceMs: 500, runtime });
    const late = startJob(pipe(places, timeout({ timeoutMs: 100, runtime })));
    await runtime.advance(200);
    late.finish();
    await runtime.advance(1_000);
    expect(places.stats).toMatchObject({ running: 0, leaked: 0, overcommitted: 0 });
    expect(runtime.pendingTimers).toBe(0);
  });

  it("case 23: counts both attempts of a hedged call until each has ended", async () => {
    const runtime = new ScriptedRuntime();
    const places = bulkhead({ max: 2, runtime });
    const attempts = [pending<string>(), pending<string>()];
    const both: Loop = {
      kind: "loop",
      rank: "loop",
      runtime,
      async around(call, next) {
        const [first, second] = [call.derive(1), call.derive(2)];
        const loser = Promise.resolve(next(second)).catch(() => "lost");
        const winner = await next(first);
        second.cancel("another won");
        await loser;
        return winner;
      },
    };
    const policy = pipe(policyOf(both), places);
    const run = policy.run((call) => attempts[call.attempt - 1]?.promise);
    await runtime.advance(0);
    expect(places.stats.running).toBe(2);
    attempts[0]?.resolve("won");
    expect(await run).toBe("won");
    expect(places.stats).toMatchObject({ running: 1, leaked: 1 });
    attempts[1]?.reject(new Error("late"));
    await runtime.advance(0);
    expect(places.stats).toMatchObject({ running: 0, leaked: 0, leaks: 1 });
  });

  it("gives the place back when a policy further in lets the call not pass", async () => {
    const runtime = new ScriptedRuntime();
    const outer = bulkhead({ max: 5, runtime });
    const policy = pipe(outer, bulkhead({ max: 1, runtime }));
    const jobs = [startJob(policy), startJob(policy)];
    await runtime.advance(0);
    expect(codeOf(jobs[1]?.outcome)).toBe("BULKHEAD_FULL none");
    expect(outer.stats).toMatchObject({ running: 1, leaks: 0 });
  });
});

describe("bulkhead: options and events", () => {
  it.each<[string, object]>([
    ["max", { max: 0 }],
    ["max", { max: 1.5 }],
    ["max", { max: Number.NaN }],
    ["max", {}],
    ["queue", { max: 1, queue: -1 }],
    ["queue", { max: 1, queue: Infinity }],
    ["order", { max: 1, order: "random" }],
    ["minRemainingMs", { max: 1, minRemainingMs: -1 }],
    ["leakedGraceMs", { max: 1, leakedGraceMs: 0 }],
    ["leakedGraceMs", { max: 1, leakedGraceMs: Number.NaN }],
    ["name", { max: 1, name: "" }],
    ["bulkhead.maxx", { max: 1, maxx: 2 }],
  ])("case 15: refuses %s of %j", (option, options) => {
    expect(() => bulkhead(options as BulkheadOptions)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: expect.objectContaining({ option }),
      }),
    );
  });

  it("case 24: two from one frozen options object share nothing", async () => {
    const runtime = new ScriptedRuntime();
    const options = Object.freeze({ max: 1, runtime });
    const [one, other] = [bulkhead(options), bulkhead(options)];
    startJob(one);
    expect(await other.run(() => "free")).toBe("free");
  });

  it("case 13: a listener that throws, or calls again, harms nobody", async () => {
    const { runtime, policy } = given({ max: 1, queue: 1 });
    const heard: unknown[] = [];
    policy.on("rejected", () => {
      throw new Error("listener");
    });
    policy.on("rejected", (event) => {
      heard.push(event);
      if (heard.length < 4) startJob(policy);
    });
    const jobs = [startJob(policy), startJob(policy), startJob(policy, { priority: 2 })];
    await runtime.advance(0);
    expect(codeOf(jobs[1]?.outcome)).toBe("BULKHEAD_FULL none");
    expect(policy.stats).toMatchObject({ running: 1, queued: 1, rejected: 4 });
    expect(heard).toHaveLength(4);
    expect(heard[0]).toMatchObject({ bulkhead: "bulkhead" });
    const failures = runtime.recorded.filter(({ name }) => name === "resilience.listener-failed");
    expect(failures).toHaveLength(4);
    const told = runtime.recorded.filter(({ name }) => name === "bulkhead.rejected");
    expect(told).toHaveLength(4);
  });

  it("stops telling a listener that has unsubscribed", async () => {
    const { policy } = given({ max: 1 });
    const heard: string[] = [];
    const off = policy.on("rejected", ({ why }) => heard.push(why));
    startJob(policy);
    await startJob(policy).ended;
    off();
    await startJob(policy).ended;
    expect(heard).toEqual(["full"]);
  });

  it("works alone on the system's runtime", async () => {
    const policy = bulkhead({ max: 1, queue: 10 });
    const runs = [1, 2, 3].map((value) => policy.run(async () => value));
    expect(await Promise.all(runs)).toEqual([1, 2, 3]);
    expect(policy.layers[0]?.runtime).toBe(systemRuntime);
  });
});
