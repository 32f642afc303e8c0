import { isQuorateError } from "@quorate/core";
import { beforeEach, describe, expect, it } from "vitest";

import { createRegistry } from "./create-registry.ts";
import { idsOf, World } from "./world.fixture.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

describe("a registration", () => {
  it("is seen by callers with all that it says", async () => {
    const caller = await world.caller();
    expect(caller.view.snapshot).toMatchObject({ revision: 1, endpoints: [], isStale: false });
    await world.server("a", { zone: "eu-1", weight: 2.5, warmUpMs: 30_000 });
    await world.runtime.advance(10);
    const [endpoint] = caller.view.snapshot.endpoints;
    expect(endpoint).toEqual({
      ...{ service: "billing", id: "a", version: "1.0.0", address: "at-a", zone: "eu-1" },
      ...{ weight: 2.5, warmUpMs: 30_000, ageMs: 0, state: "up" },
    });
    expect(caller.view.endpoint("a")).toBe(endpoint);
    expect(caller.view.endpoint("b")).toBeUndefined();
  });

  it("says another weight from then on, and is the same instance", async () => {
    const { here } = await world.server("a");
    const caller = await world.caller();
    await world.settled(here.update({ weight: 7 }));
    await world.runtime.advance(10_000);
    expect(caller.view.endpoint("a")).toMatchObject({ weight: 7 });
    expect(caller.snapshots.map(({ endpoints }) => endpoints.length)).toEqual([1, 1]);
    const age = caller.view.endpoint("a")?.ageMs ?? 0;
    expect(age).toBeLessThan(1_000);
  });

  it("has an age, which a caller that comes late knows too", async () => {
    await world.server("a");
    await world.runtime.advance(60_000);
    const caller = await world.caller();
    const { endpoints, madeMs } = caller.view.snapshot;
    expect(endpoints[0]?.ageMs).toBeGreaterThan(59_000);
    expect(endpoints[0]?.ageMs).toBeLessThan(61_000);
    expect(madeMs).toBeLessThanOrEqual(world.runtime.time.monotonicMs());
  });

  it("under an id that is taken is refused", async () => {
    await world.server("a");
    const second = world.process();
    const instance = { service: "billing", version: "1.0.0", address: "x", id: "a" };
    const outcome = await world.outcome(second.registry.register(instance));
    expect(outcome).toMatchObject({ kind: "error", error: { code: "MEMBER_CONFLICT" } });
  });

  it("waits for a store that is away, until its signal", async () => {
    const { backend, registry } = world.process();
    backend.faults.cut();
    const instance = { service: "billing", version: "1.0.0", address: "x" };
    const stop = new AbortController();
    const [waits, given] = [
      registry.register(instance),
      registry.register(instance, { signal: stop.signal }),
    ];
    expect(await world.outcome(waits, 5_000)).toEqual({ kind: "pending" });
    stop.abort(new Error("enough"));
    expect(await world.outcome(given, 100)).toMatchObject({ error: new Error("enough") });
    backend.faults.restore();
    const here = await world.settled(waits, 5_000);
    const caller = await world.caller();
    expect(idsOf(caller.view)).toBe(here.id);
  });

  it("is checked before anything is sent", async () => {
    const { registry } = world.process();
    const register = async (change: object): Promise<unknown> => {
      const instance = { service: "billing", version: "1.0.0", address: "x", ...change };
      return registry.register(instance).catch((reason: unknown) => reason);
    };
    const refused = [
      ...[{ version: "1.0" }, { version: "v1.0.0" }, { version: "1.0.0 " }, { version: 1 }],
      ...[{ weight: -1 }, { weight: Number.NaN }, { weight: Infinity }, { warmUpMs: -1 }],
      ...[{ address: "" }, { zone: "z".repeat(129) }, { service: "a//b" }, { id: "a/b" }],
      { wieght: 1 },
    ];
    for (const change of refused) {
      const error = await register(change);
      expect(isQuorateError(error, "INVALID_ARGUMENT"), JSON.stringify(change)).toBe(true);
    }
    expect(() => createRegistry(world.process().backend, { panicShare: 2 })).toThrow(/panicShare/);
    expect(() => createRegistry(world.process().backend, { panicMaxMs: 0 })).toThrow(/panicMaxMs/);
  });

  it("that nobody can read is skipped, and told", async () => {
    const caller = await world.caller();
    await world.server("a");
    const { leases } = world.process().backend;
    const texts = ["{}", '{"v":1,"version":"1","zone":"","weight":1,"warmUpMs":0,"state":"up"}'];
    for (const [index, text] of texts.entries()) {
      await leases.acquire(`member/service/billing/x${index}`, {
        ...{ owner: `o${index}`, ttlMs: 60_000, data: JSON.stringify({ v: 1, a: "x", d: text }) },
      });
    }
    await world.runtime.advance(10);
    expect(idsOf(caller.view)).toBe("a");
    expect(world.events("record-invalid")).toMatchObject([{ id: "x0" }, { id: "x1" }]);
  });
});

describe("a drain", () => {
  it("marks, waits, finishes, leaves, in this order", async () => {
    const { here } = await world.server("a");
    await world.server("b");
    const caller = await world.caller();
    const steps: string[] = [];
    const startMs = world.runtime.time.monotonicMs();
    const finish = async (): Promise<void> => {
      const atMs = world.runtime.time.monotonicMs() - startMs;
      steps.push(`finish after ${Math.round(atMs / 100)}00 ms, seen: ${idsOf(caller.view)}`);
      steps.push(`draining: ${caller.view.snapshot.draining.map(({ id }) => id).join(" ")}`);
      await new Promise<void>((resolve) => void world.runtime.time.setTimer(400, resolve));
      steps.push(`finished, still listed: ${caller.view.endpoint("a")?.state ?? "no"}`);
    };
    const drained = here.drain({ finish });
    const drainedToo = here.drain(); // The same drain: its steps are taken once.
    await world.settled(drained);
    await drainedToo;
    await world.runtime.advance(10);
    steps.push(`left: ${caller.view.endpoint("a") === undefined}, ${here.state}`);
    expect(steps).toEqual([
      "finish after 1000 ms, seen: b",
      "draining: a",
      "finished, still listed: draining",
      "left: true, left",
    ]);
    expect(world.events("draining")).toMatchObject([
      { step: "marked" },
      { step: "finishing" },
      { step: "left" },
    ]);
  });

  it("leaves all the same when its work fails, and says how", async () => {
    const { here } = await world.server("a");
    const caller = await world.caller();
    const finish = (): never => {
      throw new Error("no");
    };
    const outcome = await world.outcome(here.drain({ finish, delayMs: 0 }));
    expect(outcome).toMatchObject({ kind: "error", error: new Error("no") });
    await world.runtime.advance(10);
    expect(idsOf(caller.view)).toBe("");
    expect(caller.view.snapshot.isPanic).toBe(false);
  });

  it("of the last instance leaves it to be asked until it has gone", async () => {
    const { here } = await world.server("a");
    const caller = await world.caller();
    const drained = here.drain();
    await world.runtime.advance(500);
    expect(idsOf(caller.view)).toBe("a");
    expect(caller.view.snapshot.endpoints[0]?.state).toBe("draining");
    await world.settled(drained);
    await world.runtime.advance(10);
    expect(idsOf(caller.view)).toBe("");
  });

  it("goes on without a mark where the store is away for a TTL", async () => {
    const server = await world.server("a");
    server.backend.faults.cut();
    const finished: number[] = [];
    const finish = (): void => void finished.push(world.runtime.time.monotonicMs());
    await world.settled(server.here.drain({ finish }), 10_000);
    expect(finished).toHaveLength(1);
    expect(world.events("draining")).toMatchObject([
      { step: "unmarked" },
      { step: "finishing" },
      { step: "left" },
    ]);
  });

  it("given up by its signal stays marked, and may be asked for again", async () => {
    const { here } = await world.server("a");
    const stop = new AbortController();
    const drained = here.drain({ signal: stop.signal });
    await world.runtime.advance(200);
    stop.abort(new Error("not now"));
    expect(await world.outcome(drained, 100)).toMatchObject({ error: new Error("not now") });
    expect(here.state).toBe("draining");
    await world.settled(here.drain({ delayMs: 0 }));
    expect(here.state).toBe("left");
  });
});

describe("a view", () => {
  it("shows the versions of its range, prereleases where they are asked for", async () => {
    const versions = ["1.0.0", "1.4.0", "2.0.0-beta.1", "2.0.0", "3.1.4+build.7"];
    for (const version of versions) await world.server(version.replaceAll("+", "_"), { version });
    const seen = async (range: string): Promise<string[]> => {
      const { view } = await world.caller(range);
      return view.snapshot.endpoints.map(({ version }) => version);
    };
    expect(await seen("*")).toEqual(versions.toSorted());
    expect(await seen("^1.2.0")).toEqual(["1.4.0"]);
    expect(await seen(">=1 <3")).toEqual(["1.0.0", "1.4.0", "2.0.0"]);
    expect(await seen("^2.0.0-beta")).toEqual(["2.0.0", "2.0.0-beta.1"]);
    expect(await seen("3.x")).toEqual(["3.1.4+build.7"]);
    const { registry } = world.process();
    expect(() => registry.service("billing", "one")).toThrow(/range/);
    expect(() => registry.service("billing", ">".repeat(300))).toThrow(/range/);
    expect(() => registry.service("")).toThrow(/service/);
  });

  it("has a new revision only for what it shows", async () => {
    const caller = await world.caller("^1.0.0");
    await world.server("b", { version: "2.0.0" });
    expect(caller.view.snapshot.revision).toBe(1);
    await world.server("a");
    await world.runtime.advance(10);
    expect(caller.view.snapshot.revision).toBe(2);
    expect(caller.view.snapshot).toBe(caller.view.snapshot);
    expect(caller.snapshots.map(({ revision }) => revision)).toEqual([1, 2]);
  });

  it("shares one watch with all others of its service, and ends it with the last", async () => {
    const { backend, registry } = world.process();
    let watches = 0;
    const { leases } = backend;
    const watch = leases.watch.bind(leases);
    leases.watch = (...args) => {
      watches += 1;
      return watch(...args);
    };
    const first = registry.service("billing");
    await world.runtime.advance(10);
    const second = registry.service("billing", "^1.0.0");
    expect(second.snapshot.isStale).toBe(false);
    expect(watches).toBe(1);
    await first.close();
    await world.server("a");
    await world.runtime.advance(10);
    expect(idsOf(second)).toBe("a");
    expect(idsOf(first)).toBe("");
    await second.close();
    await second.close();
    registry.service("billing");
    await world.runtime.advance(10);
    expect(watches).toBe(2);
  });

  it("is ready when there is somebody to ask", async () => {
    const caller = await world.caller();
    const ready = caller.view.ready();
    expect(await world.outcome(ready, 1_000)).toEqual({ kind: "pending" });
    await world.server("a");
    expect(await world.settled(ready, 100)).toBe(caller.view.snapshot);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(caller.view.ready({ signal })).rejects.toThrow("enough");
  });

  it("tells a slow reader the last snapshot only", async () => {
    const caller = await world.caller();
    const watch = caller.view.watch();
    expect((await watch.next()).value).toBe(caller.view.snapshot);
    await world.servers(3);
    await world.runtime.advance(10);
    expect((await watch.next()).value).toMatchObject({ revision: 4 });
    await caller.registry.close();
    expect(await watch.next()).toEqual({ done: true, value: undefined });
    expect(() => caller.view.watch()).toThrow(/CLOSED/);
    await expect(caller.view.ready()).rejects.toMatchObject({ code: "CLOSED" });
    expect(() => caller.registry.service("billing")).toThrow(/CLOSED/);
  });

  it("lives with a listener that throws", async () => {
    const caller = await world.caller();
    caller.view.onChange(() => {
      throw new Error("listener");
    });
    const heard: number[] = [];
    const off = caller.view.onChange(({ revision }) => heard.push(revision));
    await world.server("a");
    await world.runtime.advance(10);
    off();
    await world.server("b");
    await world.runtime.advance(10);
    expect(heard).toEqual([2]);
    expect(world.events("listener-failed")).toHaveLength(2);
  });
});
