import { isQuorateError, type QuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import type { JobState } from "./cron.ts";
import type { RunContext } from "./run.ts";
import { type TestProcess, World } from "./world.fixture.ts";

const failure = (promise: Promise<unknown>): Promise<QuorateError> =>
  promise.then(
    () => expect.unreachable("it went through"),
    (error: unknown) => error as QuorateError,
  );

function minutely(world: World, handler: (run: RunContext) => unknown): TestProcess {
  const process = world.process();
  process.cron.schedule("job", "* * * * *", handler, { timeoutMs: 2_000 });
  return process;
}

describe("a run", () => {
  it("has its tick, its key, a token; is not tried again when it throws", async () => {
    const world = new World();
    const runs: RunContext[] = [];
    const { cron } = minutely(world, (run) => {
      runs.push(run);
      throw new Error("no such table at postgres://me:secret@db/x");
    });
    await world.runtime.advance(61_000);
    const [run] = runs;
    expect(run).toMatchObject({ key: "job@2026-01-01T00:01:00.000Z", attempt: 1, manual: false });
    expect(run?.check()).toBe(run?.fencingToken);
    const [last, ...rest] = await world.outcome(cron.history("job"));
    expect(last).toMatchObject({ outcome: "failed", by: "p1", tick: run?.tick });
    expect(last?.error).toMatch(/^no such table/);
    expect(last?.error).not.toContain("secret");
    expect([rest, runs.length]).toEqual([[], 1]);
  });

  it("is told when its time is up, and is timed out whatever it then does", async () => {
    const world = new World();
    const { cron } = minutely(world, async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      expect(isQuorateError(signal.reason, "TIMEOUT")).toBe(true);
    });
    await world.runtime.advance(63_000);
    const [last] = await world.outcome(cron.history("job"));
    expect(last).toMatchObject({ outcome: "timed-out", durationMs: 2_000 });
  });

  it("that does not listen is given up ten seconds later", async () => {
    const world = new World();
    const { cron } = minutely(world, () => new Promise(() => {}));
    await world.runtime.advance(71_900);
    expect(await world.outcome(cron.history("job"))).toEqual([]);
    await world.runtime.advance(300);
    const [last] = await world.outcome(cron.history("job"));
    expect(last).toMatchObject({ outcome: "timed-out", durationMs: 12_000 });
  });

  it("waits at random up to jitterMs, and keeps its tick", async () => {
    const world = new World();
    const process = world.process();
    const began: number[] = [];
    const handler = ({ tick }: RunContext): void => {
      began.push(world.runtime.time.wallMs() - tick.getTime());
    };
    process.cron.schedule("job", "* * * * *", handler, { jitterMs: 20_000 });
    await world.runtime.advance(600_000);
    expect(began.length).toBeGreaterThan(8);
    expect(Math.max(...began)).toBeGreaterThan(5_000);
    expect(Math.max(...began)).toBeLessThan(20_100);
  });
});

describe("pause and resume", () => {
  it("stop ticks in the whole fleet; those in between are skipped, not missed", async () => {
    const world = new World();
    let runs = 0;
    const first = minutely(world, () => (runs += 1));
    minutely(world, () => (runs += 1));
    await world.runtime.advance(61_000);
    await world.outcome(first.cron.pause("job", { by: "ada", why: "the database moves" }));
    await world.runtime.advance(180_000);
    expect([runs, await world.outcome(first.cron.next("job"))]).toEqual([1, undefined]);
    for await (const job of first.cron.list()) {
      expect(job.paused).toMatchObject({ by: "ada", why: "the database moves" });
    }
    await world.outcome(world.process().cron.resume("job"));
    await world.runtime.advance(60_000);
    expect(runs).toBe(2);
    const [last, skipped] = await world.outcome(first.cron.history("job"));
    expect(last?.outcome).toBe("done");
    expect(skipped?.outcome).toBe("done"); // Resumed by one who does not know the schedule.
    expect(await world.outcome(first.cron.next("job"))).toEqual(new Date("2026-01-01T00:06:00Z"));
  });

  it("leave a line in the history where the schedule is known", async () => {
    const world = new World();
    const { cron } = minutely(world, () => {});
    await world.runtime.advance(1_000);
    await world.outcome(cron.pause("job", { by: "ada", why: "so" }));
    await world.runtime.advance(150_000);
    await world.outcome(cron.resume("job"));
    const [skipped] = await world.outcome(cron.history("job"));
    expect(skipped).toMatchObject({ outcome: "skipped-paused", count: 2 });
    expect(skipped?.through).toEqual(new Date("2026-01-01T00:02:00Z"));
  });
});

describe("trigger", () => {
  it("runs once over the fleet, at once, under a key of its own, paused or not", async () => {
    const world = new World();
    const runs: RunContext[] = [];
    const first = minutely(world, (run) => runs.push(run));
    const other = minutely(world, (run) => runs.push(run));
    await world.runtime.advance(1_000);
    await world.outcome(first.cron.pause("job", { by: "ada", why: "so" }));
    const told = await world.outcome(other.cron.trigger("job", { id: "invoice-7" }));
    await world.outcome(first.cron.trigger("job", { id: "invoice-7" }));
    await world.runtime.advance(1_000);
    expect(runs.map(({ key, manual }) => [key, manual])).toEqual([["job@manual-invoice-7", true]]);
    expect(told).toEqual({ key: "job@manual-invoice-7" });
  });

  it("by one who does not run the job begins at once; if nobody hears of it, in 30 s", async () => {
    for (const isMute of [false, true]) {
      const world = new World();
      let runs = 0;
      minutely(world, () => (runs += 1));
      await world.runtime.advance(1_000);
      await world.outcome(world.process({ isMute }).cron.trigger("job"));
      await world.runtime.advance(500);
      expect(runs).toBe(isMute ? 0 : 1);
      await world.runtime.advance(30_500);
      expect(runs).toBe(1);
    }
  });

  it("costs one look however often it is told, and none where it is told amiss", async () => {
    const world = new World();
    const { calls } = minutely(world, () => {});
    const { bus } = world.process().backend;
    await world.runtime.advance(1_000);
    const before = calls.made.length;
    const tell = async (text: string): Promise<void> => {
      for (let times = 0; times < 100; times += 1)
        await bus.publish("cron-nudge", Buffer.from(text));
      await world.runtime.advance(200);
    };
    const amiss = [
      "",
      "[]",
      "null",
      '{"collection":"cron","job":7}',
      '{"job":"job"}',
      "x".repeat(9_000),
    ];
    for (const text of amiss) await world.outcome(tell(text));
    expect(calls.made.length).toBe(before);
    await world.outcome(tell('{"collection":"cron","job":"job"}'));
    expect(calls.made.length - before).toBeLessThanOrEqual(4);
    expect(calls.made.length).toBeGreaterThan(before);
  });

  it("of a job that nobody knows is refused, and changes nothing", async () => {
    const world = new World();
    const { cron, backend } = world.process();
    expect((await failure(world.outcome(cron.trigger("nothing")))).code).toBe("INVALID_ARGUMENT");
    expect((await failure(cron.trigger("job", { id: "a b" }))).code).toBe("INVALID_ARGUMENT");
    expect(await backend.kv.get("cron/nothing")).toBeUndefined();
  });
});

describe("close", () => {
  it("waits for what runs, takes no more, and leaves no timer behind", async () => {
    const world = new World();
    let ended = 0;
    const { cron, backend } = minutely(world, async () => {
      await world.work(1_500);
      ended += 1;
    });
    await world.runtime.advance(61_000);
    await world.outcome(cron.close());
    expect(ended).toBe(1);
    expect(() => cron.schedule("more", "* * * * *", () => {})).toThrow(/CLOSED/);
    await world.runtime.advance(120_000);
    expect(ended).toBe(1);
    await backend.close();
    await world.runtime.advance(10_000);
    expect(world.runtime.pendingTimers).toBe(0);
  });

  it("tells what runs too long, and another process takes it over", async () => {
    const world = new World();
    const began: RunContext[] = [];
    const handler = async (run: RunContext): Promise<void> => {
      began.push(run);
      for (let step = 0; step < 30; step += 1) {
        await world.work(100);
        if (began.length === 1) run.check();
      }
    };
    const members = [1, 2].map(() => {
      const process = world.process();
      process.cron.schedule("job", "* * * * *", handler);
      return process;
    });
    await world.runtime.advance(60_500);
    const [{ by } = { by: "" }] = (await states(members[0])).flatMap(({ running }) => running);
    const owner = members[Number(by.slice(1)) - 1];
    await world.outcome(owner?.cron.close({ graceMs: 100 }) ?? Promise.resolve());
    expect(isQuorateError(began[0]?.signal.reason, "CLOSED")).toBe(true);
    await world.runtime.advance(200); // The next tick is a minute away: it was told.
    expect(began.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(began[1]?.key).toBe(began[0]?.key);
  });
});

async function states(process: TestProcess | undefined): Promise<JobState[]> {
  const found: JobState[] = [];
  for await (const job of process?.cron.list() ?? []) found.push(job);
  return found;
}

describe("two versions of a job", () => {
  it("run no instant twice, and say so", async () => {
    const world = new World();
    const ran: string[] = [];
    const add = ({ key }: RunContext): void => void ran.push(key);
    const [old, young] = [world.process(), world.process({ skewMs: 700 })];
    old.cron.schedule("job", { everyMs: 10_000 }, add, { missed: "all" });
    await world.runtime.advance(25_000);
    young.cron.schedule("job", { everyMs: 4_000 }, add, { missed: "all" });
    await world.runtime.advance(60_000);
    expect(ran).toHaveLength(new Set(ran).size);
    const seconds = ran.map((key) => Number(key.slice(-7, -5)) + 60 * Number(key.slice(-10, -8)));
    expect(seconds.filter((one) => one > 25 && one % 4 === 0)).toHaveLength(14 + 1);
    expect(world.events("schedule-differs").length).toBeGreaterThan(0);
    for await (const job of old.cron.list()) {
      expect([job.schedule, job.ownSchedule]).toContain("every 4000 ms");
    }
  });
});
