/**
 * The real node-cron, the real croner and a real `setInterval`, in two processes' worth of timers.
 */
import { isQuorateError } from "@quorate/core";
import { createMemoryStore, memoryBackend } from "@quorate/memory";
import { Cron as Croner } from "croner";
import { type RunCoordinator as NodeCronCoordinator, schedule } from "node-cron";
import { describe, expect, it } from "vitest";
import type { Cron } from "./cron.ts";
import { createCron } from "./engine.ts";
import { oncePerTick } from "./once-per-tick.ts";
import { runCoordinator } from "./run-coordinator.ts";
import { World } from "./world.fixture.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function fleet(): Cron[] {
  const store = createMemoryStore();
  return [1, 2, 3].map((index) => createCron(memoryBackend({ store }), { name: `p${index}` }));
}

describe.concurrent("timers of others, for two seconds", () => {
  it("of node-cron's fires each runs in one process", async ({ expect }) => {
    const crons = fleet();
    const fires: string[] = [];
    const tasks = crons.map((cron) => {
      const coordinator: NodeCronCoordinator = runCoordinator(cron);
      return schedule("* * * * * *", ({ date }) => fires.push(date.toISOString()), {
        name: "often",
        distributed: true,
        runCoordinator: coordinator,
      });
    });
    await sleep(2_100);
    for (const task of tasks) await task.destroy();
    expect(fires.length).toBeGreaterThanOrEqual(1);
    expect(new Set(fires).size).toBe(fires.length);
    const history = await crons[0]?.history("often");
    expect(history?.map(({ outcome }) => outcome)).toEqual(fires.map(() => "done"));
    for (const cron of crons) await cron.close();
  });

  it("of croner's ticks each runs in one process", async ({ expect }) => {
    const crons = fleet();
    const ran: string[] = [];
    const timers = crons.map((cron) => {
      const once = oncePerTick(cron, "often", "* * * * * *", ({ key }) => ran.push(key));
      return new Croner("* * * * * *", async () => void (await once()));
    });
    await sleep(2_100);
    for (const timer of timers) timer.stop();
    expect(ran.length).toBeGreaterThanOrEqual(1);
    expect(new Set(ran).size).toBe(ran.length);
    for (const cron of crons) await cron.close();
  });

  it("of unaligned intervals each has one run", async ({ expect }) => {
    const crons = fleet();
    const ran: string[] = [];
    const timers: NodeJS.Timeout[] = [];
    for (const cron of crons) {
      const once = oncePerTick(cron, "sweep", { everyMs: 300 }, ({ key }) => ran.push(key));
      timers.push(setInterval(() => void once(), 300));
      await sleep(70);
    }
    await sleep(1_500);
    for (const timer of timers) clearInterval(timer);
    expect(ran.length).toBeGreaterThanOrEqual(3);
    expect(ran.length).toBeLessThanOrEqual(7);
    expect(new Set(ran).size).toBe(ran.length);
    for (const cron of crons) await cron.close();
  });
});

describe("runCoordinator", () => {
  it("says no to a slot that is judged, and fails closed", async () => {
    const world = new World();
    const [one, two] = [world.process(), world.process()];
    const slot = "job:2026-01-01T00:00:05.000Z";
    expect(await world.outcome(runCoordinator(one.cron).shouldRun(slot, 30_000))).toBe(true);
    expect(await world.outcome(runCoordinator(two.cron).shouldRun(slot, 30_000))).toBe(false);
    const before = "job:2026-01-01T00:00:04.000Z";
    expect(await world.outcome(runCoordinator(two.cron).shouldRun(before, 30_000))).toBe(false);
    two.calls.fate = () => "none";
    const after = runCoordinator(two.cron).shouldRun("job:2026-01-01T00:00:06.000Z", 30_000);
    const failed = await world.outcome(after.catch((error: unknown) => error));
    expect(isQuorateError(failed, "STORE_UNAVAILABLE")).toBe(true);
    const unnamed = await runCoordinator(one.cron)
      .shouldRun("job", 1)
      .catch((error: unknown) => error);
    expect(isQuorateError(unnamed, "INVALID_ARGUMENT")).toBe(true);
  });
});

describe("oncePerTick", () => {
  it("rejects with what the handler throws, and writes it down", async () => {
    const world = new World();
    const { cron } = world.process();
    const once = oncePerTick(cron, "job", { everyMs: 1_000 }, () => {
      throw new Error("out of paper");
    });
    await expect(world.outcome(once())).rejects.toThrow("out of paper");
    expect(await world.outcome(once())).toBe(false);
    const [last] = await world.outcome(cron.history("job"));
    expect(last).toMatchObject({ outcome: "failed", error: "out of paper" });
    expect(() => cron.schedule("job", "* * * * *", () => {})).toThrow(/in use/);
  });

  it("loses its claim's signal with the lease", async () => {
    const world = new World();
    const process = world.process();
    const claim = await world.outcome(process.cron.claimTick("job", new Date(1_000)));
    expect(claim?.check()).toBe(claim?.fencingToken);
    process.backend.faults.cut();
    await world.runtime.advance(4_000);
    expect(() => claim?.check()).toThrow(/LOCK_LOST/);
    expect(isQuorateError(claim?.signal.reason, "LOCK_LOST")).toBe(true);
  });
});
