/**
 * Random lives of a bulkhead against the plainest model of one: a list of those who run and a list
 * of those who wait.
 */
import { ScriptedRuntime } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Job, startJob } from "./bulkhead.fixture.ts";
import { bulkhead } from "./bulkhead.ts";
import { pipe } from "./policy.ts";
import { timeout } from "./timeout.ts";

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("start" as const),
      priority: fc.integer({ min: -1, max: 1 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("finish" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail" as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(20) }) },
);

interface Life {
  readonly job: Job;
  readonly priority: number;
  readonly caller: AbortController;
}

type Order = "fifo" | "lifo";

/** The plainest bulkhead. */
class Model {
  running: Life[] = []; // Also those whose caller has gone.
  waiting: Life[] = [];
  readonly #max: number;
  readonly #queue: number;
  readonly #order: Order;

  constructor(max: number, queue: number, order: Order) {
    this.#max = max;
    this.#queue = queue;
    this.#order = order;
  }

  start(life: Life): void {
    if (this.running.length < this.#max) return void this.running.push(life);
    if (this.waiting.length >= this.#queue) {
      const lowest = Math.min(...this.waiting.map(({ priority }) => priority));
      if (this.#queue === 0 || lowest >= life.priority) return;
      this.leave(this.waiting.findLast(({ priority }) => priority === lowest));
    }
    this.waiting.push(life);
  }

  leave(life: Life | undefined): void {
    this.waiting = this.waiting.filter((one) => one !== life);
  }

  end(life: Life): void {
    this.running = this.running.filter((one) => one !== life);
    const best = Math.max(...this.waiting.map(({ priority }) => priority));
    const equals = this.waiting.filter(({ priority }) => priority === best);
    const chosen = this.#order === "lifo" ? equals.at(-1) : equals[0];
    if (chosen === undefined) return;
    this.leave(chosen);
    this.running.push(chosen);
  }
}

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

async function live(max: number, queue: number, order: Order, steps: readonly Step[]) {
  const runtime = new ScriptedRuntime();
  const policy = bulkhead({ max, queue, order, runtime });
  const model = new Model(max, queue, order);
  const all: Life[] = [];
  const end = (life: Life | undefined, fails = false): void => {
    if (life === undefined) return;
    if (fails) life.job.fail("no");
    else life.job.finish();
    model.end(life);
  };
  for (const one of steps) {
    if (one.kind === "start") {
      const caller = new AbortController();
      const { priority } = one;
      const job = startJob(policy, { priority, signal: caller.signal });
      const life = { job, priority, caller };
      all.push(life);
      model.start(life);
    } else if (one.kind === "cancel") {
      const life = all[one.which % Math.max(1, all.length)];
      life?.caller.abort("gone");
      model.leave(life);
    } else {
      end(model.running[one.which % Math.max(1, model.running.length)], one.kind === "fail");
    }
    await runtime.advance(0);
    expect(policy.stats.running).toBe(model.running.length);
    expect(policy.stats.running).toBeLessThanOrEqual(max);
    expect(policy.stats.queued).toBe(model.waiting.length);
    expect(model.running.every(({ job }) => job.isRunning)).toBe(true);
    expect(model.waiting.some(({ job }) => job.isRunning)).toBe(false);
  }
  while (model.running.length > 0) {
    end(model.running[0]);
    await runtime.advance(0);
  }
  expect(model.waiting).toEqual([]);
  expect(policy.stats).toMatchObject({ running: 0, queued: 0, leaked: 0 });
  expect(all.every(({ job }) => job.outcome !== undefined)).toBe(true);
}

describe("a bulkhead against its model", () => {
  it("runs whom the model runs, lets wait whom it lets wait, and loses nobody", async () => {
    const max = fc.integer({ min: 1, max: 3 });
    const queue = fc.integer({ min: 0, max: 4 });
    const order = fc.constantFrom<Order>("fifo", "lifo");
    const steps = fc.array(step, { maxLength: 60, size: "max" });
    await fc.assert(fc.asyncProperty(max, queue, order, steps, live), { numRuns: 150 });
  });

  it("settles all, and counts to zero, whatever runs out of time where", async () => {
    const lives = fc.array(
      fc.record({
        atMs: fc.nat(100),
        workMs: fc.nat(80),
        timeoutMs: fc.option(fc.integer({ min: 1, max: 60 })),
        abortMs: fc.option(fc.nat(120)),
        priority: fc.integer({ min: 0, max: 2 }),
      }),
      { minLength: 1, maxLength: 25, size: "max" },
    );
    await fc.assert(
      fc.asyncProperty(
        lives,
        fc.constantFrom("fifo" as const, "lifo" as const, "adaptive" as const),
        fc.constantFrom(Infinity, 20),
        async (plans, order, leakedGraceMs) => {
          const runtime = new ScriptedRuntime();
          const { time } = runtime;
          const places = bulkhead({ max: 2, queue: 6, order, leakedGraceMs, runtime });
          const policy = pipe(places, timeout({ timeoutMs: 40, runtime }));
          let working = 0;
          let most = 0;
          let settled = 0;
          const work = (workMs: number) => (): Promise<void> => {
            most = Math.max(most, ++working);
            return new Promise((resolve) => {
              time.setTimer(workMs, () => {
                working -= 1;
                resolve();
              });
            });
          };
          for (const { atMs, workMs, timeoutMs, abortMs, priority } of plans) {
            time.setTimer(atMs, () => {
              const caller = new AbortController();
              const { signal } = caller;
              const options = { signal, priority, timeoutMs: timeoutMs ?? undefined };
              const count = (): void => void (settled += 1);
              policy.run(work(workMs), options).then(count, count);
              if (abortMs !== null) time.setTimer(abortMs, () => caller.abort());
            });
          }
          await runtime.advance(2_000);
          expect(settled).toBe(plans.length);
          if (leakedGraceMs === Infinity) expect(most).toBeLessThanOrEqual(2);
          expect(places.stats).toMatchObject({ running: 0, queued: 0, leaked: 0 });
          expect(runtime.pendingTimers).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("survives the cancel at every point of a hand-over", async () => {
    for (let jobsBefore = 0; jobsBefore < 12; jobsBefore++) {
      const runtime = new ScriptedRuntime();
      const policy = bulkhead({ max: 1, queue: 5, runtime });
      const caller = new AbortController();
      const first = startJob(policy);
      const second = startJob(policy, { signal: caller.signal });
      const third = startJob(policy);
      first.finish();
      for (let job = 0; job < jobsBefore; job++) await Promise.resolve();
      caller.abort("now");
      await runtime.advance(0);
      expect(second.outcome).toEqual({ error: "now" });
      second.finish();
      await runtime.advance(0);
      expect(third.isRunning).toBe(true);
      third.finish();
      await runtime.advance(0);
      expect(policy.stats).toMatchObject({ running: 0, queued: 0, leaked: 0 });
    }
  });
});
