import { isQuorateError } from "@quorate/core";
import { describe, expect, it } from "vitest";

import { simulate } from "../run/simulate.ts";
import { ticking, type TickingArgs } from "./scenario.fixture.ts";
import type { WorkerScenario } from "./protocol.ts";
import { simulateInWorkers, type WorkersOptions } from "./simulate-in-workers.ts";

const SEEDS = 60;

// What a thread will call is what the type says.
const scenario: WorkerScenario<TickingArgs> = ticking;

function run(args: TickingArgs, options: Partial<WorkersOptions> = {}) {
  return simulateInWorkers({
    module: new URL("./scenario.fixture.ts", import.meta.url),
    export: "ticking",
    args,
    seeds: SEEDS,
    workers: 2,
    execArgv: ["--conditions", "@quorate/source"],
    setup: new URL("./typescript.fixture.mjs", import.meta.url),
    ...options,
  });
}

async function failureOf(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isQuorateError(error, "SIMULATION_FAILED")) throw error ?? new Error("nothing failed");
  return error;
}

describe("seeds in threads", { timeout: 60_000 }, () => {
  it("give the same report as in one, and as in none", async () => {
    const alone = await simulate({ ...(await scenario({ bad: [] })), seeds: SEEDS });
    for (const workers of [1, 3]) {
      const progress: number[] = [];
      const report = await run(
        { bad: [] },
        { workers, onProgress: ({ done }) => progress.push(done) },
      );
      expect(report.hash).toBe(alone.hash);
      expect(report.seeds).toBe(SEEDS);
      expect(report.events).toBe(alone.events);
      expect(report.counts).toEqual(alone.counts);
      expect(progress).toEqual(Array.from({ length: SEEDS }, (_, index) => index + 1));
    }
  });

  it("tell the failure of the first bad seed, whoever is faster", async () => {
    const bad = ["0x9", "0x12", "0x30"];
    const error = await failureOf(run({ bad }, { workers: 3 }));
    expect(error.details).toMatchObject({ seed: "0x9", claim: "good seed" });
    expect(error.message).toContain("last lines:");
    const stopped = await run({ bad }, { onFailure: "stop" });
    expect(stopped.failures.map(({ seed }) => seed)).toEqual(["0x9"]);
    expect(stopped.seeds).toBe(9);
    const all = await run({ bad }, { onFailure: "collect" });
    expect(all.failures.map(({ seed }) => seed)).toEqual(bad);
    expect(all.failures.every(({ isDeterministic }) => isDeterministic)).toBe(true);
  });

  it("say what no seed hit", async () => {
    const error = await failureOf(run({ bad: [] }, { mustHit: ["tick", "tock"] }));
    expect(error.message).toContain("hit tock");
  });

  it("say so if a thread breaks: no such function, one that throws, no module", async () => {
    const none = await failureOf(run({ bad: [] }, { export: "nothing" }));
    expect(none.message).toMatch(/thread of the simulation broke: .*nothing/);
    const thrown = await failureOf(run({ bad: [] }, { export: "throwing" }));
    expect(thrown.message).toContain("RangeError: no options today");
    const missing = new URL("./nowhere.ts", import.meta.url);
    expect((await failureOf(run({ bad: [] }, { module: missing }))).message).toMatch(/nowhere/);
  });

  it("stop at once when told to", async () => {
    const reason = new Error("enough");
    const stop = new AbortController();
    const running = run(
      { bad: [] },
      { seeds: 100_000, signal: stop.signal, onProgress: () => stop.abort(reason) },
    );
    await expect(running).rejects.toBe(reason);
    await expect(run({ bad: [] }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("refuse what is no module, name or number", async () => {
    const refused = async (options: Partial<WorkersOptions>, told: RegExp): Promise<void> => {
      await expect(run({ bad: [] }, options)).rejects.toThrow(told);
    };
    await refused({ module: "./x.ts" as never }, /module/);
    await refused({ export: "" }, /export/);
    await refused({ workers: 0 }, /workers/);
    await refused({ seeds: 0 }, /seeds/);
    await refused({ thread: 1 } as never, /thread/);
  });
});
