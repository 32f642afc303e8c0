import type { LeaseStore } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { counter } from "./counting.fixture.ts";
import type { TakeoverEvent } from "./events.ts";
import { World } from "./world.fixture.ts";

describe("a worker that drives", () => {
  it("writes once to create and once per step", async () => {
    const world = new World();
    const process = world.process();
    const one = counter(process.backend);
    await world.outcome(one.start("a", 3));
    await world.runtime.advance(5_000);
    expect(process.calls.made.filter((call) => call.startsWith("put"))).toEqual(
      Array.from({ length: 4 }, () => "put counting/a"),
    );
    expect((await one.station.read("a"))?.record.at).toBe(3);
  });

  it("settles a write that was lost, there or back, without a second step", async () => {
    const world = new World();
    const process = world.process();
    const one = counter(process.backend);
    process.calls.fate = (index) => (["unanswered", "none", "unknown"] as const)[index % 6];
    await world.outcome(one.start("a", 3));
    await world.runtime.advance(20_000);
    expect(one.steps).toEqual(["a:0", "a:1", "a:2"]);
    expect((await world.outcome(one.station.read("a"))).kind).not.toBe("pending");
    expect(world.events("transaction.takeover")).toEqual([]);
  });

  it("closes with nothing left to drive and no timer", async () => {
    const world = new World();
    const one = counter(world.process().backend);
    await world.outcome(one.start("a", 1));
    await world.runtime.advance(2_000);
    expect((await world.outcome(one.worker.close())).kind).toBe("value");
    await world.runtime.advance(4_000); // The store's own upkeep of a lease that was given back.
    expect(world.runtime.pendingTimers).toBe(0);
    await expect(one.start("b", 1)).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("a worker that dies", () => {
  it("has its instances taken over within its lease and a second", async () => {
    const world = new World();
    const dying = world.process();
    const one = counter(dying.backend);
    const two = counter(world.process().backend);
    await world.outcome(one.start("a", 5));
    await world.runtime.advance(1_500);
    dying.kill();
    const tookMs = await world.until(() => two.steps.length > 0);
    expect(tookMs).toBeLessThanOrEqual(3_000 + 1_000);
    await world.runtime.advance(10_000);
    expect(two.steps).toEqual(["a:1", "a:2", "a:3", "a:4"]);
    const [event] = world.events("transaction.takeover");
    expect(event).toMatchObject({ id: "a", won: true, takeovers: 0 });
  });

  it("is looked at again where the store says that its lease has a moment left", async () => {
    // As on NATS: the watch counts by itself, and the word on a lease's age has an allowance.
    const leftMs = 700;
    const world = new World();
    const dying = world.process();
    const one = counter(dying.backend);
    const { backend } = world.process();
    const denying = { at: Infinity };
    const inspect: LeaseStore["inspect"] = async (name, options) => {
      const state = await backend.leases.inspect(name, options);
      const nowMs = world.runtime.time.monotonicMs();
      denying.at = Math.min(denying.at, nowMs);
      if (nowMs >= denying.at + leftMs) return state;
      const expiresInMs = denying.at + leftMs - nowMs;
      return { ...state, holders: [{ owner: "x", fencingToken: 1, weight: 1, expiresInMs }] };
    };
    const { leases } = backend;
    const two = counter({
      ...backend,
      leases: {
        acquire: (name, request) => leases.acquire(name, request),
        renew: (grants, options) => leases.renew(grants, options),
        release: (grant, options) => leases.release(grant, options),
        list: (prefix, options) => leases.list(prefix, options),
        watch: (prefix, options) => leases.watch(prefix, options),
        inspect,
      },
    });
    await world.outcome(one.start("a", 5));
    await world.runtime.advance(1_500);
    dying.kill();
    const tookMs = await world.until(() => two.steps.length > 0);
    expect(denying.at).toBeLessThan(Infinity);
    expect(tookMs).toBeLessThanOrEqual(3_000 + 1_000 + leftMs);
  });

  it("drives nothing more when it was paused beyond its lease: overtaken", async () => {
    const world = new World();
    const pausing = world.process();
    const one = counter(pausing.backend);
    const two = counter(world.process().backend);
    await world.outcome(one.start("a", 5));
    await world.runtime.advance(1_500);
    pausing.pause();
    await world.until(() => two.steps.length > 1);
    pausing.resume();
    await world.runtime.advance(20_000);
    expect(one.steps).toEqual(["a:0", "a:1"]);
    expect(one.overtaken).toEqual(["a"]);
    expect(two.steps).toEqual(["a:1", "a:2", "a:3", "a:4"]);
  });

  it("gives each takeover a greater fence than the one before", async () => {
    const world = new World();
    const processes = Array.from({ length: 4 }, () => world.process());
    const counters = processes.map(({ backend }) => counter(backend, { stepMs: 60_000 }));
    await world.outcome(counters[0]?.start("a", 1) ?? Promise.resolve());
    const fences: number[] = [];
    for (let alive = 4; alive > 0; alive -= 1) {
      const owner = counters.findIndex(({ steps }) => steps.length > 0);
      fences.push((await counters[owner]?.station.read("a"))?.record.fence ?? 0);
      processes[owner]?.kill();
      counters[owner]?.steps.splice(0);
      await world.runtime.advance(5_000);
    }
    expect(new Set(fences).size).toBe(4);
    expect(fences).toEqual([...fences].sort((left, right) => left - right));
  });

  it("leaves what it let go of to another at once, and counts no takeover for it", async () => {
    const world = new World();
    const one = counter(world.process().backend, { stepMs: 500 });
    const two = counter(world.process().backend, { stepMs: 500 });
    await world.outcome(one.start("a", 10));
    await world.runtime.advance(1_200);
    const closed = one.worker.close();
    const tookMs = await world.until(() => two.steps.length > 0);
    await world.outcome(closed);
    expect(tookMs).toBeLessThanOrEqual(1_000);
    expect((await two.station.read("a"))?.record.takeovers).toBe(0);
    expect(one.steps.at(-1)).toBe("a:2");
    expect(two.steps[0]).toBe("a:3");
  });
});

describe("recovery of many", () => {
  it("paces the takeovers and lets few workers run for the same record", async () => {
    const world = new World();
    const dying = world.process();
    const one = counter(dying.backend, { stepMs: 60_000 });
    const others = Array.from({ length: 4 }, () =>
      counter(world.process().backend, { stepMs: 60_000, takeoversPerSecond: 100 }),
    );
    await world.runtime.advance(1_000);
    await Promise.all(Array.from({ length: 2_000 }, (_, index) => one.start(`i${index}`, 1)));
    dying.kill();
    const sum = (): number => others.reduce((total, { steps }) => total + steps.length, 0);
    await world.until(() => sum() > 0);
    const early = sum();
    await world.runtime.advance(1_000);
    expect(sum() - early).toBeLessThanOrEqual(4 * 110);
    await world.until(() => sum() === 2_000);
    const events = world.events("transaction.takeover") as readonly TakeoverEvent[];
    const wasted = events.filter(({ won }) => !won).length;
    expect({ taken: sum(), few: wasted <= 100 }).toEqual({ taken: 2_000, few: true });
  });

  it("leaves alone what it has no definition for, and says how many", async () => {
    const world = new World();
    const dying = world.process();
    const one = counter(dying.backend, { kinds: ["plain", "special"] });
    await world.outcome(one.start("a", 3, "special"));
    dying.kill();
    const two = counter(world.process().backend);
    await world.runtime.advance(10_000);
    expect(two.steps).toEqual([]);
    expect(world.events("transaction.scan").at(-1)).toMatchObject({ unclaimed: 1, orphans: 0 });
  });

  it("skips a record that is not ours, tells it, and recovers the others", async () => {
    const world = new World();
    const dying = world.process();
    const one = counter(dying.backend);
    await dying.memory.kv.put("counting/aaa", "not a record");
    await world.outcome(one.start("b", 2));
    dying.kill();
    const two = counter(world.process().backend);
    await world.until(() => two.steps.length > 0);
    expect(two.steps[0]).toBe("b:0");
    const [trouble] = world.events("transaction.trouble");
    expect(trouble).toMatchObject({ doing: "read", id: "aaa", code: "RECORD_INVALID" });
  });

  it("goes on after an outage of the store that outlasts its lease", async () => {
    const world = new World();
    const process = world.process();
    const one = counter(process.backend);
    await world.outcome(one.start("a", 4));
    await world.runtime.advance(1_500);
    process.memory.faults.cut();
    await world.runtime.advance(10_000);
    process.memory.faults.restore();
    await world.runtime.advance(20_000);
    expect((await one.station.read("a"))?.record.at).toBe(4);
  });
});
