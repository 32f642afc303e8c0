import { type Backend, type Grant, isQuorateError, leaseLeftMs } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { Kernel } from "../kernel/kernel.ts";
import type { SimProcess } from "../run/process.ts";
import type { Profile } from "../run/profiles.ts";
import { runOnce, type RunResult } from "../run/run-once.ts";
import { simulate } from "../run/simulate.ts";
import type { World } from "../run/world.ts";
import { createSimStore } from "./create-sim-store.ts";
import type { SimStore, SimStoreOptions } from "./sim-store.ts";

const ENGINES = [
  { engine: "memory" },
  { engine: "redis" },
  { engine: "nats" },
  { engine: "nats", replication: "replicated" },
] as const satisfies readonly SimStoreOptions[];

/** Runs a script on one process and a store, and returns what it noted. */
async function script(
  options: SimStoreOptions,
  main: (tools: Tools) => Promise<void>,
  durationMs = 60_000,
): Promise<{ readonly notes: readonly string[]; readonly result: RunResult }> {
  const notes: string[] = [];
  const result = await runOnce({
    seed: 7,
    durationMs,
    atLeast: { "script ended": 1 },
    world(sim: World) {
      const store = createSimStore(sim.kernel, "store", options);
      sim.process("script", {
        main: async (process: SimProcess) => {
          const open = (): Backend => store.backend(process, { requestTimeoutMs: 1_000 });
          await main({ sim, store, process, open, note: (text) => void notes.push(text) });
          process.mark("script ended");
        },
      });
    },
  });
  expect(result.violation).toBeUndefined();
  return { notes, result };
}

interface Tools {
  readonly sim: World;
  readonly store: SimStore;
  readonly process: SimProcess;
  open(): Backend;
  note(text: string): void;
}

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (!isQuorateError(error)) throw error;
    return `${error.code} ${error.effect}`;
  }
}

async function until(process: SimProcess, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await process.sleep(50);
}

describe.each(ENGINES)("a simulated $engine", (options) => {
  it("that is killed says so or is silent, and has its data after the restart", async () => {
    const { notes } = await script(options, async ({ store, process, open, note }) => {
      const backend = open();
      await backend.kv.put("k", "kept");
      for (const manner of ["closes", "vanishes"] as const) {
        store.kill({ manner });
        await process.sleep(100);
        note(await outcome(backend.kv.put("x", "1", { timeoutMs: 500 })));
        store.restart();
        await until(process, async () => (await backend.kv.get("k")) !== undefined);
      }
      const held = await backend.leases.acquire("l", { owner: "o", ttlMs: 10_000 });
      store.restart();
      await until(process, async () => (await backend.leases.inspect("l")).holders.length === 1);
      note(held.granted ? (await backend.leases.renew([held])).join() : "not granted");
    });
    expect(notes[0]).toBe("STORE_UNAVAILABLE none");
    expect(notes[1]).toBe("OUTCOME_UNKNOWN unknown");
    expect(notes[2]).toBe("renewed");
  });

  it("that is paused answers when it goes on, unless the deadline was first", async () => {
    const { notes } = await script(options, async ({ store, process, open, note }) => {
      const backend = open();
      await backend.ready();
      store.pause(600);
      note(await outcome(backend.kv.put("short", "1", { timeoutMs: 300 })));
      note(await outcome(backend.kv.put("long", "1", { timeoutMs: 5_000 })));
      store.pause();
      process.node.runtime.time.setTimer(500, () => store.resume());
      note(await outcome(backend.kv.get("long", { timeoutMs: 5_000 })));
    });
    expect(notes).toEqual(["OUTCOME_UNKNOWN unknown", "ok", "ok"]);
  });

  it("with a full disk refuses writes and serves reads", async () => {
    const { notes } = await script(options, async ({ store, open, note }) => {
      const backend = open();
      await backend.kv.put("k", "1");
      store.readOnly();
      note(await outcome(backend.kv.put("k", "2")));
      note(await outcome(backend.kv.get("k")));
      store.readOnly(false);
      note(await outcome(backend.kv.put("k", "2")));
    });
    expect(notes).toEqual(["STORE_REFUSED none", "ok", "ok"]);
  });

  it("that is flushed has nothing, and its tokens go on upwards", async () => {
    const { notes } = await script(options, async ({ store, process, open, note }) => {
      const backend = open();
      const first = await backend.leases.acquire("l", { owner: "a", ttlMs: 5_000 });
      await process.sleep(10);
      store.flush();
      await process.sleep(10);
      const second = await backend.leases.acquire("l", { owner: "b", ttlMs: 5_000 });
      if (!first.granted || !second.granted) throw new Error("both should be granted");
      note(`${second.fencingToken > first.fencingToken}`);
    });
    expect(notes).toEqual(["true"]);
  });

  it("keeps its promises through harsh weather, and goes on when it clears", async () => {
    const report = await simulate({
      seeds: 12,
      durationMs: 30_000,
      profile: "harsh",
      world: (sim) => work(sim, createSimStore(sim.kernel, "store", options)),
      mustHit: ["fault.store-kill", "fault.store-pause", "fault.store-read-only", "mark.counted"],
    });
    expect(report.failures).toEqual([]);
  });

  it("goes the same way under the same seed", async () => {
    const once = () =>
      runOnce({
        seed: 11,
        durationMs: 10_000,
        profile: "harsh",
        world: (sim) => work(sim, createSimStore(sim.kernel, "store", options)),
      });
    const [first, second] = [await once(), await once()];
    expect(second.hash).toBe(first.hash);
    expect(first.events).toBeGreaterThan(1_000);
  });
});

/** Workers that count under a lease, each step conditional: nothing counted may be lost. */
function work(sim: World, store: SimStore): void {
  const held = new Map<Grant, SimProcess>();
  let acknowledged = 0;
  let tried = 0;
  let seen = 0;
  sim.always("one believer", () => {
    const believers = [...held].filter(
      ([grant, { isAlive, runtime }]) => isAlive && leaseLeftMs(runtime.time, grant) > 0,
    );
    return believers.length <= 1 || believers.map(([, { name }]) => name).join(" and ");
  });
  sim.always("nothing acknowledged is lost", () => seen <= tried);
  sim.process("worker", {
    count: 3,
    main: async (process) => {
      const backend = store.backend(process, { requestTimeoutMs: 800 });
      const owner = process.runtime.ids.unique();
      for (;;) {
        const step = await oneStep(process, backend, `${owner}-${process.runtime.ids.operation()}`);
        if (step === "failed") await process.sleep(50 + process.runtime.random.next() * 100);
      }
    },
  });
  async function oneStep(process: SimProcess, backend: Backend, owner: string): Promise<string> {
    try {
      const grant = await backend.leases.acquire("l", { owner, ttlMs: 2_000, waitMs: 5_000 });
      if (!grant.granted) return "refused";
      held.set(grant, process);
      const least = acknowledged;
      const entry = await backend.kv.get("n");
      const before = Number(Buffer.from(entry?.value ?? []).toString() || 0);
      if (before < least) sim.fail("nothing acknowledged is lost", `${before}`);
      tried += 1;
      const expect = entry?.revision ?? "absent";
      const put = await backend.kv.put("n", `${before + 1}`, { expect });
      if (put.ok) {
        acknowledged = Math.max(acknowledged, before + 1);
        seen = Math.max(seen, before + 1);
        process.mark("counted");
      }
      held.delete(grant);
      await backend.leases.release(grant);
      return "done";
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      return "failed";
    }
  }
  let base = -1;
  sim.eventually("work goes on", { withinMs: 60_000 }, () => {
    if (base < 0) base = sim.count("counted");
    return sim.count("counted") > base + 2;
  });
}

describe("a failover", () => {
  it("of a replicated redis makes two believers, told apart by their tokens", async () => {
    const options: SimStoreOptions = { engine: "redis", replication: "replicated" };
    const { notes } = await script(options, async ({ store, process, open, note }) => {
      const [one, two] = [open(), open()];
      const { capabilities } = one;
      note(`${capabilities.leaseSafety}, ${capabilities.writes}`);
      await one.kv.put("old", "1");
      await process.sleep(500);
      const first = await one.leases.acquire("l", { owner: "a", ttlMs: 60_000 });
      await one.kv.put("new", "1");
      store.failover({ forgetMs: 200, gapMs: 1_000 });
      await until(process, async () => (await two.kv.get("old")) !== undefined);
      note(`new is ${(await two.kv.get("new")) === undefined ? "lost" : "there"}`);
      const second = await two.leases.acquire("l", { owner: "b", ttlMs: 60_000 });
      if (!first.granted || !second.granted) throw new Error("both believe");
      note(`${first.validUntilMs > process.runtime.time.monotonicMs()}`);
      note(`${second.fencingToken > first.fencingToken}`);
    });
    expect(notes).toEqual(["best-effort, async-replicas", "new is lost", "true", "true"]);
  });

  it("of a replicated nats loses nothing acknowledged, and does not answer meanwhile", async () => {
    const options: SimStoreOptions = { engine: "nats", replication: "replicated" };
    const { notes } = await script(options, async ({ store, process, open, note }) => {
      const backend = open();
      const acknowledged: string[] = [];
      await backend.bus.subscribe("s", ({ data, respond }) => respond?.(data));
      const put = async (key: string): Promise<string> => {
        const what = await outcome(backend.kv.put(key, "x", { timeoutMs: 200 }));
        if (what === "ok") acknowledged.push(key);
        return what;
      };
      for (let index = 0; index < 10; index++) await put(`before/${index}`);
      store.failover({ forgetMs: 5_000, gapMs: 5_000 });
      await process.sleep(100);
      const during = new Set<string>();
      for (let index = 0; index < 20; index++) during.add(await put(`during/${index}`));
      note([...during].sort().join());
      note(await outcome(backend.bus.request("s", new Uint8Array(1), { timeoutMs: 500 })));
      await process.sleep(6_000);
      const found = await Promise.all(acknowledged.map((key) => backend.kv.get(key)));
      note(`${found.filter((entry) => entry !== undefined).length} of ${acknowledged.length}`);
    });
    expect(notes).toEqual(["OUTCOME_UNKNOWN unknown,STORE_UNAVAILABLE none", "ok", "10 of 10"]);
  });

  it("is found out by a plan: best effort does not keep what a lease promises", async () => {
    const traits: SimStoreOptions = { engine: "redis", replication: "replicated" };
    const seeds = simulate({
      seeds: 20,
      durationMs: 60_000,
      profile: failoverOnly,
      world: (sim) => work(sim, createSimStore(sim.kernel, "store", traits)),
    });
    await expect(seeds).rejects.toMatchObject({ code: "SIMULATION_FAILED" });
  });
});

const failoverOnly: Profile = {
  name: "failovers alone",
  faults: { "store-failover": { everyMs: 6_000 } },
  swarm: 1,
};

describe("a server's wall clock", () => {
  it.each([
    ["memory", "renewed"],
    ["redis", "lost"],
  ] as const)("set forward on %s: a lease is %s", async (engine, answer) => {
    const { notes } = await script({ engine }, async ({ store, open, note }) => {
      const backend = open();
      const grant = await backend.leases.acquire("l", { owner: "o", ttlMs: 30_000 });
      store.stepClock(31_000);
      note(grant.granted ? (await backend.leases.renew([grant])).join() : "not granted");
    });
    expect(notes).toEqual([answer]);
  });

  it("can be set by a plan only where that was asked for", () => {
    const kinds = (clockFaults: boolean): readonly string[] => {
      const kernel = new Kernel({ seed: 1 });
      createSimStore(kernel, "store", { engine: "redis", clockFaults });
      return kernel.faults.offers.map(({ kind }) => kind);
    };
    expect(kinds(true)).toContain("store-clock-jump");
    expect(kinds(false)).not.toContain("store-clock-jump");
  });
});

describe("createSimStore", () => {
  it("refuses options that it does not know, by name", () => {
    const kernel = new Kernel({ seed: 1 });
    const bad: readonly [object, RegExp][] = [
      [{ engine: "etcd" }, /engine/],
      [{ replication: "thrice" }, /replication/],
      [{ undoMs: -1 }, /undoMs/],
      [{ disk: true }, /disk/],
    ];
    for (const [options, named] of bad) {
      expect(() => createSimStore(kernel, "store", options)).toThrow(named);
    }
    const store = createSimStore(kernel, "store");
    expect(() => store.failover({ gapMs: -1 })).toThrow(/gapMs/);
    expect(() => store.setRate(5)).toThrow(/rate/);
    expect(() => createSimStore(kernel, "store")).toThrow(/name/);
  });
});
