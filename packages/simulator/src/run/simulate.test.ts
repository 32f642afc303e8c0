import { isQuorateError } from "@quorate/core";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Profile } from "./profiles.ts";
import { simulate, type SimulateOptions } from "./simulate.ts";
import type { World } from "./world.ts";

/** Ticks once a second; in a few seeds the third tick is one too many. */
function ticking(badShare = 0) {
  return (sim: World): void => {
    const isBad = sim.random("choice").next() < badShare;
    sim.process("ticker", {
      main: async (process) => {
        for (;;) {
          await process.sleep(1_000);
          process.note("about to tick");
          process.mark("tick");
        }
      },
    });
    sim.always("few ticks", () => !isBad || sim.count("tick") < 3);
  };
}

const run = (options: Partial<SimulateOptions>) =>
  simulate({ seeds: 10, durationMs: 5_000, world: ticking(), ...options });

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("many seeds", () => {
  it("are counted, timed and fingerprinted together", async () => {
    const report = await run({});
    expect(report).toMatchObject({ seeds: 10, failures: [], simulatedMs: 50_000 });
    expect(report.counts.get("mark.tick")).toBe(40);
    expect(report.events).toBeGreaterThanOrEqual(50);
    expect(report.speed).toBeGreaterThan(10);
    expect(report.hash).toMatch(/^[0-9a-f]{16}$/);
    expect((await run({})).hash).toBe(report.hash);
    expect((await run({ seeds: [1, 2, 3] })).hash).not.toBe(report.hash);
  });

  it("stop at the first failure: seed, claim, lines, and the way to see it again", async () => {
    try {
      await run({ world: ticking(0.3), profile: "harsh" });
      expect.unreachable();
    } catch (error) {
      if (!isQuorateError(error, "SIMULATION_FAILED")) throw error;
      const { seed, claim, atMs, node, replay } = error.details;
      expect([claim, node]).toEqual(["few ticks", ""]);
      expect(seed).toMatch(/^0x[0-9a-f]+$/);
      expect(atMs).toBeGreaterThan(2_999);
      expect(replay).toContain(`QUORATE_SEED=${seed}`);
      expect(error.message).toContain(`seed ${seed}: "few ticks" failed at ${atMs} ms`);
      expect(error.message).toMatch(/ticker +note +about to tick\n.*ticker +mark +tick\n/);
      expect(error.message).toMatch(/violation few ticks: does not hold$/);
    }
  });

  it("may go on and collect: then each failure can be run again to the same end", async () => {
    const report = await run({ world: ticking(0.3), seeds: 40, onFailure: "collect" });
    expect(report.failures.length).toBeGreaterThan(3);
    expect(report.failures.length).toBeLessThan(30);
    for (const failure of report.failures) expect(failure.isDeterministic).toBe(true);
    const { seed } = report.failures[0]!;
    const again = await run({ world: ticking(0.3), seeds: [seed], onFailure: "collect" });
    expect(again.failures[0]?.hash).toBe(report.failures[0]?.hash);
  });

  it("run one alone where the environment names it", async () => {
    vi.stubEnv("QUORATE_SEED", "0x2f");
    const seeds: string[] = [];
    const report = await run({ world: (sim) => void seeds.push(sim.seed), mustHit: ["never"] });
    expect([report.seeds, seeds]).toEqual([1, ["0x2f"]]);
  });

  it("fail when none hits what must be hit: what never happens is not tested", async () => {
    const report = await run({ mustHit: ["tick"] });
    expect(report.failures).toEqual([]);
    await expect(run({ mustHit: ["tick", "tock", "kill"] })).rejects.toThrow(/hit tock, kill/);
  });

  it("that do too little fail", async () => {
    await expect(run({ atLeast: { tick: 5 } })).rejects.toThrow('"tick" happened 4 times of 5');
  });

  it("say so when the second run goes another way", async () => {
    let shared = 0;
    const world = (sim: World): void => {
      shared += 1;
      const delayMs = 1_000 + shared;
      sim.at(delayMs, () => sim.fail("shared", "state outside the world"));
    };
    await expect(run({ world })).rejects.toThrow("NOT DETERMINISTIC");
  });

  it("stop between two of them by a signal, and tell how far they are", async () => {
    const stop = new AbortController();
    const done: number[] = [];
    const running = run({
      signal: stop.signal,
      onProgress: (progress) => {
        done.push(progress.done);
        if (progress.done === 3) stop.abort(new Error("enough"));
      },
    });
    await expect(running).rejects.toThrow("enough");
    expect(done).toEqual([1, 2, 3]);
  });

  it("let the real event loop turn in between, and its timers fire", async () => {
    let turns = 0;
    const interval = setInterval(() => (turns += 1), 1);
    await run({ seeds: 200 });
    clearInterval(interval);
    expect(turns).toBeGreaterThan(3);
  });

  it("refuse options that they do not know, and values that cannot be", async () => {
    const wrong: [string, object][] = [
      ["seedz", { seedz: 5 }],
      ["seeds", { seeds: 0 }],
      ["seeds", { seeds: [] }],
      ["seed", { seeds: ["lucky"] }],
      ["durationMs", { durationMs: -1 }],
      ["profile", { profile: "hell" }],
      ["everyMs", { profile: { name: "x", faults: { kill: { everyMs: 0 } } } }],
    ];
    for (const [name, options] of wrong) await expect(run(options)).rejects.toThrow(name);
  });
});

describe("a profile", () => {
  const world = (sim: World): void => void sim.process("p", { count: 3, main: () => {} });
  const faults = async (profile: Profile | "calm" | "lossy" | "harsh") => {
    const { counts } = await simulate({ seeds: 40, durationMs: 60_000, profile, world });
    return new Map([...counts].filter(([name]) => name.startsWith("fault.")));
  };

  it("calm does nothing, lossy hurts the network alone, harsh all that is there", async () => {
    expect((await faults("calm")).size).toBe(0);
    const network = ["loss", "slow", "partition", "connection-reset", "weather"];
    const lossy = await faults("lossy");
    expect(new Set(lossy.keys())).toEqual(new Set(network.map((kind) => `fault.${kind}`)));
    const harsh = await faults("harsh");
    const hurt = ["kill", "pause", "pause-before-send", "suspend", "clock-jump", "clock-rate"];
    for (const kind of [...network, ...hurt, "half-open"]) {
      expect(harsh.get(`fault.${kind}`), kind).toBeGreaterThan(20);
    }
  });

  it("of one's own is data: kinds, rates and lengths", async () => {
    const own: Profile = {
      name: "own",
      swarm: 1,
      quietMs: 0,
      faults: { pause: { everyMs: 1_000, forMs: [10, 20] }, unheard: { everyMs: 1 } },
    };
    const counted = await faults(own);
    expect([...counted.keys()]).toEqual(["fault.pause"]);
    // 40 runs of a minute, with an intensity of a half to two.
    expect(counted.get("fault.pause")).toBeGreaterThan(1_500);
    expect(counted.get("fault.pause")).toBeLessThan(5_000);
  });

  it("switches a part of its kinds on in each seed, another part in another", async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      const { counts } = await simulate({
        seeds: [seed],
        durationMs: 120_000,
        profile: "harsh",
        world,
      });
      seen.add([...counts.keys()].filter((name) => name.startsWith("fault.")).join());
    }
    expect(seen.size).toBeGreaterThan(15);
  });
});
