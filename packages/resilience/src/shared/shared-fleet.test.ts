/**
 * Fleets of real breakers on a memory store, in scripted time.
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

describe("a fleet of 100 instances", () => {
  it("writes nothing and sets no timer while all is well", async () => {
    await world.add(100);
    await world.run(30_000);
    expect(world.calls).toEqual({ ok: expect.closeTo(30_000, -3), faulty: 0, rejected: 0 });
    expect(world.writes).toBe(0);
    expect(world.runtime.pendingTimers).toBe(0);
  });

  it("writes nothing over faults that are far below the limit", async () => {
    await world.add(100);
    for (let round = 0; round < 100; round++) {
      world.ail((index) => index % 20 === round % 20);
      await world.run(50);
      world.ail(() => false);
      await world.run(950);
    }
    expect(world.calls.faulty).toBeGreaterThan(200);
    // A first fault in a window of few calls may look like an outage.
    expect(world.writes).toBeLessThan(20);
    expect(world.hearing(undefined)).toBe(100);
  });

  it("case 27: stays closed while one is sick, at one write in three seconds", async () => {
    await world.add(100);
    await world.run(10_000);
    world.ail((index) => index === 17);
    await world.run(60_000);
    expect(world.hearing(undefined)).toBe(100);
    // The sick one says so; nobody needs to answer.
    expect(world.writes).toBe(world.instances[17]?.fleet.stats.writes);
    expect(world.writes).toBeLessThan(25);
  });

  it("stays closed while 20 are sick: the healthy answer until those are outvoted", async () => {
    await world.add(100);
    await world.run(10_000);
    world.ail((index) => index < 20);
    await world.run(20_000);
    expect(world.hearing(undefined)).toBe(100);
    const answers = world.instances.slice(20).filter(({ fleet }) => fleet.stats.writes > 0).length;
    expect(answers).toBeGreaterThanOrEqual(20);
    expect(answers).toBeLessThan(60);
  });

  it("case 27: opens within 2 s of 60 seeing it themselves", async () => {
    await world.add(100);
    await world.run(10_000);
    world.ail((index) => index < 60);
    await world.until(() => world.openBreakers >= 50, 10_000);
    const tookMs = await world.until(() => world.hearing("open") === 100, 10_000);
    expect(tookMs).toBeLessThanOrEqual(2_000);
    expect(world.history).toEqual(["open"]);
    // Each of them spoke once, and one of them wrote the record.
    expect(world.writes).toBeLessThanOrEqual(110);
  });

  it("case 27: opens soon after a start in which 60 see nothing but faults", async () => {
    await world.add(100);
    world.ail((index) => index < 60);
    const tookMs = await world.until(() => world.hearing("open") === 100, 10_000);
    expect(tookMs).toBeLessThanOrEqual(3_000);
  });

  it("does not count the idle: two of three with calls are a quorum", async () => {
    const busy = await world.add(3);
    await world.add(97, { rps: 0 });
    await world.run(10_000);
    for (const instance of busy.slice(1)) instance.isSick = true;
    const tookMs = await world.until(() => world.hearing("open") === 100, 10_000);
    expect(tookMs).toBeGreaterThan(1_000);
  });

  it("falls silent when the one sick instance recovers", async () => {
    await world.add(100);
    await world.run(10_000);
    world.ail((index) => index === 3);
    await world.run(20_000);
    world.ail(() => false);
    await world.run(20_000);
    const { writes } = world;
    await world.run(30_000);
    expect(world.writes).toBe(writes);
    expect(world.runtime.pendingTimers).toBeLessThanOrEqual(1); // The store's, for the summary.
  });
});

describe("an outage of 300 s", () => {
  it.each([
    { rps: 0.5, faulty: 400, openMs: 8_000 },
    { rps: 2, faulty: 1_500, openMs: 8_000 },
  ])("with $rps calls a second each: few faults, few probes, few writes", async (expected) => {
    await world.add(100, { rps: expected.rps });
    await world.run(20_000);
    world.ail(() => true);
    const before = { ...world.calls };
    const openedMs = await world.until(() => world.hearing("open") === 100, 20_000);
    expect(openedMs).toBeLessThanOrEqual(expected.openMs);
    await world.run(300_000 - openedMs);
    expect(world.calls.faulty - before.faulty).toBeLessThan(expected.faulty);
    expect(world.writes / 300).toBeLessThanOrEqual(1);
    world.ail(() => false);
    await world.until(() => world.hearing("ramping") === 100, 70_000);
    await world.until(() => world.hearing(undefined) === 100, 20_000);
    const { writes } = world;
    await world.run(30_000);
    expect(world.writes - writes).toBeLessThanOrEqual(1);
    expect(world.hearing(undefined)).toBe(100);
    expect(world.history.slice(-3)).toEqual(["probing", "ramping", "closed"]);
  });

  it.each([{ rps: 0.5 }, { rps: 1.5 }, { rps: 20 }])(
    "that is over at once is not seen twice, with $rps calls a second each",
    async ({ rps }) => {
      await world.add(100, { rps });
      await world.run(20_000);
      world.ail(() => true);
      await world.until(() => world.hearing("open") === 100, 20_000);
      world.ail(() => false);
      await world.run(30_000);
      expect(world.history).toEqual(["open", "probing", "ramping", "closed"]);
    },
  );

  it("has one prober at a time, each time longer after the last", async () => {
    await world.add(20);
    await world.run(10_000);
    world.ail(() => true);
    await world.until(() => world.hearing("open") === 20, 20_000);
    const beginningsMs: number[] = [];
    for (let nowMs = 0; nowMs < 120_000; nowMs += 50) {
      await world.run(50);
      expect(world.hearing("probing")).toBeLessThanOrEqual(1);
      const begun = world.history.filter((state) => state === "probing").length;
      if (begun > beginningsMs.length) beginningsMs.push(nowMs);
    }
    const gapsMs = beginningsMs.slice(1).map((atMs, index) => atMs - (beginningsMs[index] ?? 0));
    expect(gapsMs.map((gapMs) => Math.round(gapMs / 1_000))).toEqual([10, 20, 40]);
  });
});
