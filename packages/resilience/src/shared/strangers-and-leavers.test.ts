/**
 * What strangers write, and what those who leave take along.
 */
import { afterEach, describe, expect, it } from "vitest";

import { FleetWorld } from "./fleet.fixture.ts";

let world = new FleetWorld();

afterEach(async () => {
  const { runtime } = world;
  await world.close();
  world = new FleetWorld();
  expect(runtime.pendingTimers).toBe(0);
});

describe("what somebody else wrote", () => {
  it("opens nothing, and is written over by the next transition", async () => {
    const [first] = await world.add(10);
    if (first === undefined) throw new Error("there are ten");
    const { kv } = first.backend;
    for (const record of ["", "{}", "[]", "null", '{"state":"open"}', "x".repeat(10_000)]) {
      await kv.put("breaker/billing/fleet", record);
      await kv.put("breaker/billing/seen/evil", record);
      await world.run(100);
    }
    expect(world.hearing(undefined)).toBe(10);
    expect(first.fleet.stats.unreadable).toBe(12);
    await world.run(10_000);
    world.ail(() => true);
    await world.until(() => world.hearing("open") === 10, 20_000);
  });

  it("is counted up to a bound", async () => {
    const [first] = await world.add(2, { shared: { maxInstances: 50 } });
    if (first === undefined) throw new Error("there are two");
    const summary = { ok: 0, faults: 9, slow: 0, state: "open", epoch: 0 };
    for (let index = 0; index < 80; index++) {
      await first.backend.kv.put(`breaker/billing/seen/i${index}`, JSON.stringify(summary));
    }
    await world.run(500);
    expect(first.fleet.stats).toMatchObject({ instances: 50, unheard: 30 });
    expect(world.hearing(undefined)).toBe(2); // Neither of the two sees it itself.
  });
});

describe("leaving", () => {
  it("case 26: takes the summary along, and ends timers and writes", async () => {
    const [sick] = await world.add(3);
    if (sick === undefined) throw new Error("there are three");
    await world.run(5_000);
    sick.isSick = true;
    sick.rps = 20;
    await world.run(10_000);
    expect(await countOf(world)).toBe(1);
    const disposed = sick.breaker.dispose();
    await world.runtime.advance(1);
    await disposed;
    const { writes } = world;
    expect(await countOf(world)).toBe(0);
    await world.run(10_000);
    expect(world.writes).toBe(writes);
    expect(sick.fleet.verdict).toBeUndefined();
    expect(world.runtime.pendingTimers).toBeLessThanOrEqual(1); // The store's.
  });

  it("as the prober, it lets the next one go ahead at once", async () => {
    await world.add(5, { shared: { probeLeaseMs: 60_000 } });
    await world.run(10_000);
    world.ail(() => true);
    await world.until(() => world.hearing("open") === 5, 20_000);
    for (const instance of world.instances) instance.rps = 1;
    await world.until(() => world.hearing("probing") === 1, 20_000);
    const prober = world.instances.find(({ fleet }) => fleet.verdict?.kind === "probing");
    world.ail(() => false);
    const disposed = prober?.breaker.dispose();
    await world.runtime.advance(1);
    await disposed;
    if (prober !== undefined) prober.rps = 0;
    const tookMs = await world.until(() => world.hearing("ramping") === 4, 30_000);
    expect(tookMs).toBeLessThan(10_000);
  });

  it("is quick where the store cannot be reached", async () => {
    const [first] = await world.add(2);
    world.ail(() => true);
    await world.run(5_000);
    first?.backend.faults.cut();
    let isDone = false;
    void first?.breaker.dispose().then(() => (isDone = true));
    await world.runtime.advance(3_000);
    expect(isDone).toBe(true);
  });
});

async function countOf({ instances }: FleetWorld): Promise<number> {
  let count = 0;
  const { kv } = (instances.at(-1) as (typeof instances)[number]).backend;
  for await (const entry of kv.list("breaker/billing/seen")) count += entry.key === "" ? 0 : 1;
  return count;
}
