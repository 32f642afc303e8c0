import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { scrypt } from "node:crypto";
import { describe, expect, it } from "vitest";

import { mutex } from "../checker/models/mutex.ts";
import type { DrainMode } from "../kernel/drain.ts";
import { runOnce, type RunOnceOptions, type RunResult } from "./run-once.ts";
import type { World } from "./world.ts";

function run(
  world: (sim: World) => void,
  options: Partial<RunOnceOptions> = {},
): Promise<RunResult> {
  return runOnce({ seed: 1, durationMs: 10_000, ...options, world });
}

describe("a run", () => {
  it("gives each process its main, its index and its own runtime", async () => {
    const seen: string[] = [];
    const result = await run((sim) => {
      sim.process("single", { main: (process) => void seen.push(process.name) });
      sim.process("worker", {
        count: 3,
        main: async (process) => {
          await process.sleep(1_000 * (process.index + 1));
          seen.push(
            `${process.name} ${process.index} ${process.incarnation} ${sim.nowMs >= 1_000}`,
          );
        },
      });
    });
    expect(result.violation).toBeUndefined();
    expect(seen).toEqual(["single", "worker-1 0 1 true", "worker-2 1 1 true", "worker-3 2 1 true"]);
    expect(result.simulatedMs).toBe(10_000);
  });

  it("ends where an invariant does not hold, and says when, where and why", async () => {
    const result = await run((sim) => {
      let count = 0;
      sim.process("counter", {
        main: async (process) => {
          for (;;) {
            await process.sleep(1_000);
            count += 1;
          }
        },
      });
      sim.always("below four", () => count < 4 || `it is ${count}`);
    });
    expect(result.violation).toMatchObject({ claim: "below four", message: "it is 4" });
    expect(result.violation?.atMs).toBeCloseTo(4_002, -1);
  });

  it("takes an exception in an invariant for its text, and nothing for a yes", async () => {
    const result = await run((sim) => {
      sim.always("says nothing", () => {});
      sim.at(5_000, () => sim.mark("looked"));
      sim.always("never two", () => expect(sim.count("looked")).toBe(0));
    });
    expect(result.violation?.message).toContain("expected 1 to be +0");
  });

  it("does not take a promise for a yes", async () => {
    const check = (async () => true) as unknown as () => boolean;
    const { violation } = await run((sim) => sim.always("async", check));
    expect(violation?.message).toContain("must answer at once");
  });

  it("rejects where a model cannot read its history, and leaves nothing behind", async () => {
    const before = process.listenerCount("uncaughtException");
    const strange = run((sim) => {
      const client = sim.history("lock", mutex()).process("a");
      sim.process("a", { main: () => client.record({ f: "sing" }, async () => {}) });
    });
    await expect(strange).rejects.toThrow("sing");
    expect(process.listenerCount("uncaughtException")).toBe(before);
  });

  it("waits for what must hold in the end, and no longer", async () => {
    const holds = await run((sim) => {
      sim.at(12_000, () => sim.mark("done"));
      sim.eventually("done", { withinMs: 5_000 }, () => sim.count("done") === 1);
    });
    expect(holds.violation).toBeUndefined();
    expect(holds.simulatedMs).toBe(12_000);
    const late = await run((sim) => {
      sim.at(16_000, () => sim.mark("done"));
      sim.eventually("soon", { withinMs: 20_000 }, () => true);
      sim.eventually("done", { withinMs: 5_000 }, () => sim.count("done") === 1 || "still not");
    });
    expect(late.violation).toMatchObject({ claim: "done", atMs: 15_000 });
    expect(late.violation?.message).toContain("still not");
  });

  it("without progress fails", async () => {
    const result = await run((sim) => sim.at(1, () => sim.mark("work")), { atLeast: { work: 2 } });
    expect(result.violation).toMatchObject({ claim: "enough work" });
    expect(result.violation?.message).toContain('"work" happened 1 times of 2');
  });

  it("heals before the end: the dead stand up, the paused go on, the cut are joined", async () => {
    const started: string[] = [];
    const result = await run((sim) => {
      const [dead, paused] = sim.process("p", {
        count: 2,
        main: (process) => {
          started.push(`${process.name}#${process.incarnation}`);
          process.onMessage(() => process.mark("heard"));
        },
      });
      sim.at(1_000, () => dead?.kill());
      sim.at(1_000, () => paused?.pause());
      sim.at(1_000, () => sim.network.partition(["p-1"], ["p-2"]));
      sim.at(11_000, () => sim.network.reset("p-1"));
      sim.at(11_000, () => sim.kernel.network.send(dead!, "p-2", Uint8Array.of(1)));
      sim.eventually("heard", { withinMs: 5_000 }, () => sim.count("heard") === 1);
    });
    expect(result.violation).toBeUndefined();
    expect(started).toEqual(expect.arrayContaining(["p-1#1", "p-2#1", "p-1#2"]));
  });

  it("judges the histories it recorded", async () => {
    const histories = (isLegal: boolean) =>
      run((sim) => {
        const recorder = sim.history("lock", mutex());
        for (const name of ["a", "b"]) {
          const client = recorder.process(name);
          sim.process(name, {
            main: async (process) => {
              await process.sleep(isLegal && name === "b" ? 100 : 10);
              await client.record({ f: "acquire", k: "l" }, async () => process.sleep(5));
              await process.sleep(20);
              await client.record({ f: "release", k: "l" }, async () => process.sleep(5));
            },
          });
        }
      });
    const legal = await histories(true);
    expect(legal.violation).toBeUndefined();
    expect(legal.histories).toMatchObject([{ name: "lock", verdict: "ok", operations: 4 }]);
    const illegal = await histories(false);
    expect(illegal.violation?.claim).toBe("lock is linearizable");
    expect(illegal.violation?.message).toContain("acquire");
  });
});

describe.each<DrainMode>(["synchronous", "macrotask"])("what nobody caught, %s", (drain) => {
  const failing = (main: (process: { sleep(ms: number): Promise<void> }) => Promise<void> | void) =>
    run((sim) => void sim.process("guilty", { main }), { drain });

  it("fails the run, in the name of the process: a rejection that nobody handles", async () => {
    const { violation } = await failing(async (process) => {
      await process.sleep(50);
      void Promise.reject(new Error("lost"));
      await process.sleep(50);
    });
    expect(violation).toMatchObject({ claim: "no unhandled rejection", node: "guilty" });
    expect(violation?.message).toBe("guilty: lost");
  });

  it("an exception in a callback", async () => {
    const { violation } = await run(
      (sim) =>
        void sim.process("guilty", {
          main: ({ runtime }) => {
            runtime.time.setTimer(5, () => {
              throw new Error("in a timer");
            });
          },
        }),
      { drain },
    );
    expect(violation).toMatchObject({ claim: "no uncaught error", message: "guilty: in a timer" });
  });

  it("an exception in a microtask or a nextTick", async () => {
    for (const later of [queueMicrotask, process.nextTick]) {
      const { violation } = await failing(() => {
        later(() => {
          throw new Error("later");
        });
      });
      expect(violation).toMatchObject({ claim: "no uncaught error", message: "guilty: later" });
    }
  });

  it("an error of main, before its first await or after", async () => {
    const early = await failing(() => {
      throw new Error("early");
    });
    const late = await failing(async (process) => {
      await process.sleep(5);
      throw new Error("late");
    });
    expect([early, late].map(({ violation }) => violation?.message)).toEqual([
      "guilty: early",
      "guilty: late",
    ]);
  });
});

describe("an error of main", () => {
  it("may be a crash with a restart, or an end", async () => {
    const result = await run((sim) => {
      sim.process("crashes", {
        onError: "restart",
        main: async (process) => {
          process.mark("crash");
          await process.sleep(100);
          throw new Error("crash");
        },
      });
      sim.process("ends", { onError: "end", main: () => Promise.reject(new Error("end")) });
    });
    expect(result.violation).toBeUndefined();
    expect(result.counts.get("mark.crash")).toBe(10);
    expect(result.counts.get("mark.ends failed")).toBe(1);
  });
});

describe("real I/O inside a run", () => {
  const hash = promisify(scrypt);
  const reach = (outside: () => Promise<unknown>, watch: boolean) =>
    run(
      (sim) => {
        sim.process("reader", {
          main: async (process) => {
            await process.sleep(10);
            await outside();
            process.mark("went on");
          },
        });
      },
      { watch },
    );

  it("is found by what it leaves open, when the run has ended: a file", async () => {
    const { violation, counts } = await reach(() => readFile("package.json"), false);
    expect(counts.get("mark.went on")).toBeUndefined();
    expect(violation?.message).toMatch(/reader.*wait for something outside|FSReqPromise/);
  });

  it("is found as a stuck process where Node does not show it: a hash in a thread", async () => {
    const { violation } = await reach(() => hash("a", "b", 16), false);
    expect(violation).toMatchObject({ claim: "no process is stuck" });
    expect(violation?.message).toMatch(/reader \(since 1\d ms\) wait for something outside/);
  });

  it("is found at once where the run is watched, and laid to the process", async () => {
    for (const outside of [() => readFile("package.json"), () => hash("a", "b", 16)]) {
      const { violation } = await reach(outside, true);
      expect(violation).toMatchObject({ claim: "no real time, chance or I/O", node: "reader" });
      expect(violation?.atMs).toBeCloseTo(11, -1);
    }
  });

  it("is not what printing does, even to a pipe that is full", () => {
    const module = fileURLToPath(new URL("run-once.ts", import.meta.url));
    const code = `import { runOnce } from ${JSON.stringify(module)};
      const print = () => { for (let n = 0; n < 5_000; n++) console.log("x".repeat(100)); };
      for (const watch of [true, false]) {
        const world = (sim) => sim.process("p", { main: print });
        const { violation } = await runOnce({ seed: 1, durationMs: 10, watch, world });
        if (violation !== undefined) throw new Error(violation.message);
      }`;
    const args = ["-C", "@quorate/source", "--import", "tsx", "--input-type=module", "-e", code];
    const printed = execFileSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 22 });
    expect(printed.split("\n")).toHaveLength(10_001);
  });

  it("is not suspected where there is none: whoever listens may wait for ever", async () => {
    const result = await run(
      (sim) => {
        sim.process("listener", {
          main: (process) => {
            process.onMessage(() => {});
            return new Promise<void>(() => {});
          },
        });
        sim.process("sleeper", { main: (process) => process.sleep(1e9) });
      },
      { watch: true },
    );
    expect(result.violation).toBeUndefined();
  });
});

describe("a run's fingerprint", () => {
  const world = (extra: boolean) => (sim: World) => {
    sim.process("p", {
      count: 3,
      main: async (process) => {
        process.onMessage((from, data) => {
          if ((data[0] ?? 0) > 0) process.send(from, Uint8Array.of((data[0] ?? 0) - 1));
        });
        for (;;) {
          await process.sleep(process.runtime.random.next() * 500);
          process.send(`p-${1 + process.index}`, Uint8Array.of(3));
          if (extra && process.index === 2) process.runtime.random.next();
        }
      },
    });
  };
  const harsh = { profile: "harsh", durationMs: 30_000 } as const;

  it("is the same for equal seed and plan: drained, traced, watched either way", async () => {
    const variants: Partial<RunOnceOptions>[] = [
      {},
      {},
      { drain: "macrotask" },
      { traceLines: 100 },
      { watch: true },
    ];
    const results: RunResult[] = [];
    for (const variant of variants) results.push(await run(world(false), { ...harsh, ...variant }));
    const first = results[0]!;
    expect(first.events).toBeGreaterThan(100);
    expect(new Set(results.map(({ hash }) => hash)).size).toBe(1);
    const again = await run(world(false), { ...harsh, plan: first.plan });
    expect(again.hash).toBe(first.hash);
    const copied = JSON.parse(JSON.stringify(first.plan)) as typeof first.plan;
    expect((await run(world(false), { ...harsh, plan: copied })).hash).toBe(first.hash);
  });

  it("is another for another seed, another plan, and one draw more", async () => {
    const first = await run(world(false), harsh);
    const others = [
      await run(world(false), { ...harsh, seed: 2 }),
      await run(world(false), { ...harsh, plan: first.plan.slice(1) }),
      await run(world(true), harsh),
    ];
    expect(new Set([first, ...others].map(({ hash }) => hash)).size).toBe(4);
  });
});

describe("a plan", () => {
  it("is drawn from the seed alone, and names only faults of this world", async () => {
    const options = { profile: "harsh", durationMs: 60_000, seed: 12 } as const;
    const world = (sim: World): void => void sim.process("p", { count: 2, main: () => {} });
    const { plan } = await run(world, options);
    expect(plan.length).toBeGreaterThan(5);
    expect((await run(world, options)).plan).toEqual(plan);
    const targets = new Set(plan.map(({ target }) => target));
    for (const target of targets) expect(["p-1", "p-2", "network"]).toContain(target);
    expect(plan.map(({ atMs }) => atMs)).toEqual(
      plan.map(({ atMs }) => atMs).sort((a, b) => a - b),
    );
  });

  it("of another world is refused by name", async () => {
    const plan = [{ atMs: 5, kind: "pause", target: "nobody" }];
    await expect(run(() => {}, { plan })).rejects.toThrow(/pause of nobody/);
  });
});

describe("a world that cannot be declared", () => {
  it("rejects the run, and leaves nothing behind", async () => {
    const before = [Date, process.listenerCount("unhandledRejection")];
    const broken = run(() => {
      throw new Error("broken world");
    });
    await expect(broken).rejects.toThrow("broken world");
    await expect(run(() => void Date.now())).rejects.toThrow("the world's own code");
    expect([Date, process.listenerCount("unhandledRejection")]).toEqual(before);
    expect((await run(() => {})).violation).toBeUndefined();
  });

  it("refuses two of a name, and options that it does not know", async () => {
    const twice = run((sim) => {
      sim.process("p", { main: () => {} });
      sim.process("p", { main: () => {} });
    });
    await expect(twice).rejects.toThrow("name");
    const unknown = { main: () => {}, cuont: 3 };
    await expect(run((sim) => void sim.process("p", unknown))).rejects.toThrow("cuont");
  });
});
