import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";
import type { PastRun } from "./cron.ts";
import type { JobOptions } from "./options.ts";
import type { RunContext } from "./run.ts";
import { type TestProcess, World } from "./world.fixture.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

/** Seconds since the start. */
const second = (date: Date): number => (date.getTime() - START_MS) / 1_000;

/** A process with a job every second, whose runs take `workMs`. */
function withJob(
  world: World,
  options: JobOptions = {},
  workMs = 0,
): TestProcess & { readonly runs: RunContext[] } {
  const process = world.process();
  const runs: RunContext[] = [];
  const handler = async (run: RunContext): Promise<void> => {
    runs.push(run);
    if (workMs > 0) await process.work(workMs);
  };
  process.cron.schedule("job", { everyMs: 1_000 }, handler, options);
  return { ...process, runs };
}

/** `outcome of second`, oldest first. */
async function past(world: World, { cron }: TestProcess): Promise<string[]> {
  const history = await world.outcome(cron.history("job"));
  const name = ({ outcome, tick, through, attempt, manual }: PastRun): string => {
    const until = through === undefined ? "" : `-${second(through)}`;
    const which = manual ? "by hand" : `${second(tick)}${until}`;
    return `${outcome} ${which}${attempt > 1 ? ` (${attempt})` : ""}`;
  };
  return history.map(name).toReversed();
}

describe("a machine that sleeps across three ticks", () => {
  const sleeping = async (missed: JobOptions["missed"] & string): Promise<string[]> => {
    const world = new World();
    const process = withJob(world, { missed, graceMs: 400 });
    await world.runtime.advance(1_100);
    world.runtime.sleepMachine(2_600);
    await world.runtime.advance(1_500);
    return past(world, process);
  };

  it("has missed them, and goes on with the next, under skip", async () => {
    expect(await sleeping("skip")).toEqual(["done 1", "missed 2-4", "done 5"]);
  });

  it("runs the latest, once, under once", async () => {
    expect(await sleeping("once")).toEqual(["done 1", "missed 2-3", "done 4", "done 5"]);
  });

  it("runs each, in order, under all", async () => {
    expect(await sleeping("all")).toEqual(["done 1", "done 2", "done 3", "done 4", "done 5"]);
  });

  it("runs those that are within the grace, whatever the policy", async () => {
    const world = new World();
    const process = withJob(world, { graceMs: 5_000 });
    await world.runtime.advance(1_100);
    world.runtime.sleepMachine(3_400);
    await world.runtime.advance(1_000);
    expect(await past(world, process)).toEqual([1, 2, 3, 4, 5].map((tick) => `done ${tick}`));
  });

  it("notices within half a minute, though timers stood still", async () => {
    const world = new World();
    const process = world.process();
    const ran: Date[] = [];
    process.cron.schedule("daily", "0 3 * * *", ({ tick }) => ran.push(tick));
    await world.runtime.advance(1_000);
    world.runtime.sleepMachine(3 * 3_600_000);
    await world.runtime.advance(30_100);
    expect(ran.map((tick) => tick.toISOString())).toEqual(["2026-01-01T03:00:00.000Z"]);
  });
});

describe("a fleet that was down", () => {
  it("catches up no more than missedLimit, and declares the rest", async () => {
    const world = new World();
    const first = withJob(world);
    await world.runtime.advance(1_100);
    await world.outcome(first.cron.close());
    await world.runtime.advance(60_000);
    const second = withJob(world, { missed: "all", missedLimit: 2, graceMs: 100 });
    await world.runtime.advance(500);
    expect(await past(world, second)).toEqual(["done 1", "missed 2-59", "done 60", "done 61"]);
  });

  it("names a range of more than a thousand by its ends", async () => {
    const world = new World();
    const first = withJob(world);
    await world.runtime.advance(1_100);
    await world.outcome(first.cron.close());
    world.runtime.sleepMachine(7_200_000);
    const process = withJob(world, { graceMs: 100 });
    await world.runtime.advance(300);
    const [missed] = await world.outcome(process.cron.history("job"));
    expect(missed).toMatchObject({ outcome: "missed", tick: new Date(START_MS + 2_000) });
    expect(missed).not.toHaveProperty("count");
  });
});

describe("a wall clock that is set back", () => {
  it("runs nothing again", async () => {
    const world = new World();
    const process = withJob(world);
    await world.runtime.advance(5_100);
    world.runtime.stepWallClock(-3_000);
    await world.runtime.advance(4_000);
    const ran = process.runs.map(({ tick }) => second(tick));
    expect(ran).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("a tick that comes while a run is under way", () => {
  it("is declared skipped, under skip", async () => {
    const world = new World();
    const process = withJob(world, { overlap: "skip" }, 1_500);
    await world.runtime.advance(3_700);
    expect(await past(world, process)).toEqual(["skipped-overlap 2", "done 1"]);
  });

  it("waits, at most queueLimit of them, under queue", async () => {
    const world = new World();
    const process = withJob(world, { overlap: "queue" }, 2_500);
    await world.runtime.advance(6_300);
    expect(await past(world, process)).toEqual([
      "skipped-overlap 3",
      "done 1",
      "skipped-overlap 5",
      "done 2",
    ]);
  });

  it("runs beside it, under allow", async () => {
    const world = new World();
    const process = withJob(world, { overlap: "allow" }, 2_500);
    await world.runtime.advance(3_200);
    expect(process.runs.map(({ tick }) => second(tick))).toEqual([1, 2, 3]);
    await world.runtime.advance(2_700);
    expect((await past(world, process)).slice(0, 3)).toEqual(["done 1", "done 2", "done 3"]);
  });
});

describe("a process that dies under a run", () => {
  const dying = async (onCrash: "retry" | "skip"): Promise<[string[], RunContext[][]]> => {
    const world = new World();
    const daily = { onCrash, missed: "once" } as const;
    const processes = [1, 2].map(() => {
      const process = world.process();
      const runs: RunContext[] = [];
      const handler = async (run: RunContext): Promise<void> => {
        runs.push(run);
        await process.work(1_000);
      };
      process.cron.schedule("job", { everyMs: 60_000 }, handler, daily);
      return { ...process, runs };
    });
    await world.runtime.advance(60_300);
    const victim = processes.find(({ runs }) => runs.length > 0);
    victim?.kill();
    await world.runtime.advance(7_000);
    const heir = processes.find((one) => one !== victim);
    if (heir === undefined) return expect.unreachable("both ran");
    return [await past(world, heir), [victim?.runs ?? [], heir.runs]];
  };

  it("is followed by another, with the same key and a greater token, under retry", async () => {
    const [history, [first, again]] = await dying("retry");
    expect(history).toEqual(["crashed 60", "done 60 (2)"]);
    expect(again).toHaveLength(1);
    expect(again?.[0]).toMatchObject({ key: first?.[0]?.key, attempt: 2 });
    expect(again?.[0]?.fencingToken).toBeGreaterThan(first?.[0]?.fencingToken ?? Infinity);
  });

  it("leaves a crash in the history, under skip", async () => {
    const [history, [, again]] = await dying("skip");
    expect(history).toEqual(["crashed 60"]);
    expect(again).toEqual([]);
  });

  it("is not followed for ever: the last attempt is final", async () => {
    const world = new World();
    const start = (): TestProcess => {
      const process = world.process();
      const handler = (): Promise<void> => new Promise(() => process.kill());
      process.cron.schedule("job", { everyMs: 600_000 }, handler, { attempts: 2 });
      return process;
    };
    start();
    start();
    start();
    await world.runtime.advance(660_000);
    const reader = world.process();
    expect(await past(world, reader)).toEqual(["crashed 600", "crashed 600 (2)"]);
  });
});

describe("a process that is paused beyond its lease", () => {
  it("is told, cannot end what another runs, and does not run it again", async () => {
    const world = new World();
    const told: unknown[] = [];
    const processes = [1, 2].map(() => {
      const process = world.process();
      const runs: RunContext[] = [];
      const handler = async (run: RunContext): Promise<void> => {
        runs.push(run);
        await process.work(run.attempt === 1 ? 1_000 : 9_000);
        try {
          run.check();
        } catch (error) {
          told.push(error, run.signal.reason);
        }
      };
      process.cron.schedule("job", { everyMs: 60_000 }, handler);
      return { ...process, runs };
    });
    await world.runtime.advance(60_300);
    const paused = processes.find(({ runs }) => runs.length > 0);
    paused?.pause();
    await world.runtime.advance(6_000);
    paused?.resume();
    await world.runtime.advance(200);
    expect(told.map((error) => isQuorateError(error, "LOCK_LOST"))).toEqual([true, true]);
    await world.runtime.advance(15_000);
    const heir = processes.find((one) => one !== paused);
    expect([paused?.runs.length, heir?.runs.length]).toEqual([1, 1]);
    const ended = world.events("ended").map(({ recorded }) => recorded);
    expect(ended).toEqual([false, true]);
    expect(await past(world, world.process())).toEqual(["crashed 60", "done 60 (2)"]);
  });
});
