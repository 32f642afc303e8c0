import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";

import type { FaultPlan } from "../kernel/faults.ts";
import type { RunOptions } from "../run/run-once.ts";
import { runOnce } from "../run/run-once.ts";
import { simulate } from "../run/simulate.ts";
import type { World } from "../run/world.ts";
import { shrink } from "./shrink.ts";
import { milder } from "./smaller-faults.ts";

const CLAIM = "both are never stopped together";

/** Fails while worker-1 is paused and worker-2 is dead: two faults of many. */
function world(sim: World): void {
  const [one, two] = sim.process("worker", {
    count: 4,
    main: async (process) => {
      for (;;) await process.sleep(50);
    },
  });
  sim.always(CLAIM, () => one?.state !== "paused" || two?.state !== "dead");
}

const options: RunOptions = { durationMs: 60_000, profile: "harsh", world };

async function failingRun() {
  for (let seed = 1; ; seed++) {
    const { plan, violation, seed: text } = await runOnce({ ...options, seed });
    if (violation?.claim === CLAIM && plan.length > 20) return { seed: text, plan, violation };
  }
}

describe("shrinking", () => {
  it("comes down to the two faults that it takes, and makes them short", async () => {
    const run = await failingRun();
    const { plan, violation, of, isMinimal, runs } = await shrink(options, run);
    expect(of).toBe(run.plan.length);
    expect(plan.map(({ kind }) => kind).sort()).toEqual(["kill", "pause"]);
    expect(violation.claim).toBe(CLAIM);
    expect(isMinimal).toBe(true);
    expect(runs).toBeLessThanOrEqual(300);
    const again = await runOnce({ ...options, seed: run.seed, plan });
    expect(again.violation).toEqual(violation);
    const before = new Map(run.plan.map((fault) => [fault.atMs, fault.forMs ?? 0]));
    for (const { atMs, forMs = 0 } of plan)
      expect(forMs).toBeLessThanOrEqual(before.get(atMs) ?? 0);
  });

  it("gives the same plan each time", async () => {
    const run = await failingRun();
    const [one, two] = [await shrink(options, run), await shrink(options, run)];
    expect(one).toEqual(two);
  });

  it("keeps to its bounds, and still gives a plan that fails", async () => {
    const run = await failingRun();
    const { plan, runs, isMinimal, violation } = await shrink(options, run, { maxRuns: 4 });
    expect([runs, isMinimal]).toEqual([4, false]);
    expect(violation.claim).toBe(CLAIM);
    expect((await runOnce({ ...options, seed: run.seed, plan })).violation?.claim).toBe(CLAIM);
    const stopped = await shrink(options, run, { signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ plan: run.plan, runs: 0, isMinimal: false });
  });

  it("refuses bounds that are none", async () => {
    const run = await failingRun();
    await expect(shrink(options, run, { maxRuns: 0 })).rejects.toThrow(/maxRuns/);
    await expect(shrink(options, run, { maxMs: -1 })).rejects.toThrow(/maxMs/);
  });

  it("is what a failing simulation tells: how many faults of how many", async () => {
    const { seed, plan } = await failingRun();
    try {
      await simulate({ ...options, seeds: [seed], shrink: true });
      expect.unreachable();
    } catch (error) {
      if (!isQuorateError(error, "SIMULATION_FAILED")) throw error;
      expect(error.message).toMatch(
        new RegExp(
          `faults that suffice \\(2 of ${plan.length}, \\d+ runs\\):\n  \\d+ ms .*\n  \\d+`,
        ),
      );
      expect(error.message).toContain(`QUORATE_SEED=${seed}`);
    }
  });

  it("has no more to say of a failure that needs no fault at all", async () => {
    const broken: RunOptions = {
      ...options,
      world(sim) {
        world(sim);
        sim.always("time stands still", () => sim.nowMs < 1_000);
      },
    };
    const { seed, plan, violation } = await runOnce({ ...broken, seed: 7 });
    if (violation === undefined) return expect.unreachable();
    const shrunken = await shrink(broken, { seed, plan, violation });
    expect(shrunken).toMatchObject({ plan: [], of: plan.length });
  });
});

describe("milder faults", () => {
  it("are shorter, or strike fewer, one thing at a time", () => {
    const plan: FaultPlan = [
      {
        atMs: 5,
        kind: "partition",
        target: "network",
        forMs: 800,
        values: { side: ["a", "b"], direction: "both", resetsAfterMs: 15 },
      },
    ];
    const versions = plan.flatMap((fault) => [...milder(fault)]);
    expect(versions.map(({ forMs, values }) => [forMs, values?.["side"]])).toEqual([
      [100, ["a", "b"]],
      [400, ["a", "b"]],
      [800, ["b"]],
      [800, ["a"]],
    ]);
  });

  it("keep the direction of a clock that was set", () => {
    const jump = { atMs: 1, kind: "clock-jump", target: "a", values: { jumpMs: -4_000 } };
    expect([...milder(jump)].map(({ values }) => values?.["jumpMs"])).toEqual([-500, -2_000]);
  });
});
