/** Case 39: the registry returns an empty list, flaps, or goes back; traffic continues. */
import { beforeEach, describe, expect, it } from "vitest";

import { idsOf, World } from "./world.fixture.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

describe("case 39: a registry that forgets", () => {
  it("everything does not empty the list; the instances come back by themselves", async () => {
    await world.servers(4);
    const caller = await world.caller();
    world.store.flush();
    await world.runtime.advance(10);
    expect(idsOf(caller.view)).toBe("s0 s1 s2 s3");
    expect(caller.view.snapshot.isPanic).toBe(true);
    expect([...caller.view.snapshot.doubted]).toHaveLength(4);
    await world.runtime.advance(3_000);
    expect(idsOf(caller.view)).toBe("s0 s1 s2 s3");
    expect(caller.view.snapshot).toMatchObject({ isPanic: false, doubted: new Set() });
    const sizes = caller.snapshots.slice(1).map(({ endpoints }) => endpoints.length);
    expect(Math.min(...sizes)).toBeGreaterThan(1);
    expect(world.events("panic")).toMatchObject([{ isPanic: true }, { isPanic: false }]);
  });

  it("for good, as nobody can renew, is believed after a while and not before", async () => {
    const servers = await world.servers(4);
    const caller = await world.caller("*", { panicMaxMs: 20_000 });
    for (const { backend } of servers) backend.faults.cut();
    await world.runtime.advance(4_000);
    expect(caller.view.snapshot).toMatchObject({ isPanic: true, isStale: false });
    await world.runtime.advance(18_000);
    expect(idsOf(caller.view)).toBe("s0 s1 s2 s3");
    await world.runtime.advance(3_000);
    expect(caller.view.snapshot).toMatchObject({ endpoints: [], isPanic: false });
  });

  it("some, as many as may die together, is believed at once", async () => {
    const servers = await world.servers(4);
    const caller = await world.caller();
    for (const { backend } of servers.slice(0, 2)) backend.faults.cut();
    await world.runtime.advance(4_000);
    expect(idsOf(caller.view)).toBe("s2 s3");
    expect(caller.view.snapshot.isPanic).toBe(false);
    servers[2]?.backend.faults.cut();
    await world.runtime.advance(4_000);
    expect(caller.view.snapshot.isPanic).toBe(true);
    expect(idsOf(caller.view)).toBe("s0 s1 s2 s3");
  });

  it("never doubts a goodbye", async () => {
    const servers = await world.servers(4);
    const caller = await world.caller();
    for (const { here } of servers) await world.settled(here.leave());
    await world.runtime.advance(10);
    expect(caller.view.snapshot).toMatchObject({ endpoints: [], isPanic: false });
  });

  it("where nobody asked for doubt is believed", async () => {
    const servers = await world.servers(2);
    const caller = await world.caller("*", { panicShare: 0 });
    for (const { backend } of servers) backend.faults.cut();
    await world.runtime.advance(4_000);
    expect(idsOf(caller.view)).toBe("");
  });

  it("over and over keeps the list, and no instance beyond its time", async () => {
    const [gone] = await world.servers(4);
    const caller = await world.caller("*", { panicMaxMs: 10_000 });
    gone?.backend.faults.cut();
    let emptied = 0;
    caller.view.onChange(({ endpoints }) => {
      if (endpoints.length === 0) emptied += 1;
    });
    for (let round = 0; round < 12; round++) {
      world.store.flush();
      await world.runtime.advance(1_500);
    }
    expect(emptied).toBe(0);
    await world.runtime.advance(3_000);
    expect(idsOf(caller.view)).toBe("s1 s2 s3");
  });

  it("the last seconds, as a failover does, shows nobody twice and nobody too few", async () => {
    await world.servers(3);
    const caller = await world.caller();
    await world.runtime.advance(5_000);
    await world.server("s3");
    world.store.failover({ forgetMs: 900 });
    await world.runtime.advance(8_000);
    expect(idsOf(caller.view)).toBe("s0 s1 s2 s3");
    const sizes = caller.snapshots.slice(1).map(({ endpoints }) => endpoints.length);
    expect(Math.min(...sizes)).toBeGreaterThan(2);
  });
});

describe("an outage of the store", () => {
  it("leaves the last known list, which says since when", async () => {
    const servers = await world.servers(3);
    const caller = await world.caller();
    await world.runtime.advance(1_000);
    const cutMs = world.runtime.time.monotonicMs();
    for (const { backend } of [...servers, caller]) backend.faults.cut();
    await world.runtime.advance(60_000);
    expect(idsOf(caller.view)).toBe("s0 s1 s2");
    const { isStale, staleSinceMs = 0, isPanic } = caller.view.snapshot;
    expect({ isStale, isPanic }).toEqual({ isStale: true, isPanic: false });
    expect(Math.abs(staleSinceMs - cutMs)).toBeLessThan(100);
  });

  it("is followed by doubt while the instances find back", async () => {
    const servers = await world.servers(3);
    const caller = await world.caller();
    for (const { backend } of [...servers, caller]) backend.faults.cut();
    await world.runtime.advance(60_000);
    caller.backend.faults.restore();
    await world.runtime.advance(1_000);
    expect(caller.view.snapshot).toMatchObject({ isStale: false, isPanic: true });
    for (const { backend } of servers) backend.faults.restore();
    await world.runtime.advance(5_000);
    expect(caller.view.snapshot).toMatchObject({ isStale: false, isPanic: false });
    const sizes = caller.snapshots.slice(1).map(({ endpoints }) => endpoints.length);
    expect(new Set(sizes)).toEqual(new Set([3]));
  });

  it("beyond a bound makes the list too old to be of use", async () => {
    await world.servers(2);
    const caller = await world.caller("*", { maxStaleMs: 30_000 });
    caller.backend.faults.cut();
    await world.runtime.advance(29_000);
    expect(idsOf(caller.view)).toBe("s0 s1");
    await world.runtime.advance(2_000);
    expect(caller.view.snapshot).toMatchObject({ endpoints: [], isStale: true });
    expect(world.events("list-dropped")).toMatchObject([{ service: "billing" }]);
    caller.backend.faults.restore();
    await world.runtime.advance(1_000);
    expect(idsOf(caller.view)).toBe("s0 s1");
  });

  it("that begins before the first list leaves a view that knows nothing and says so", async () => {
    const { backend, registry } = world.process();
    backend.faults.cut();
    const view = registry.service("billing");
    await world.runtime.advance(5_000);
    expect(view.snapshot).toMatchObject({ revision: 0, isStale: true, staleSinceMs: undefined });
  });
});
