/**
 * Twenty instances, one rate: what passes in all, and what it costs.
 */
import { describe, expect, it } from "vitest";

import { Fleet } from "./fleet.fixture.ts";

const LIMIT = { limit: 1_000, perMs: 1_000, burst: 100 };
const INSTANCES = 20;

async function fleetOf(seed = 1, options: object = {}): Promise<Fleet> {
  const fleet = new Fleet({ ...LIMIT, ...options }, seed);
  for (let index = 0; index < INSTANCES; index++) {
    fleet.join();
    await fleet.run(fleet.runtime.random.next() * 200, () => 1, 10);
  }
  return fleet;
}

describe("a fleet of 20", () => {
  it("uses at least 90 % of its limit under even demand, and never more", async () => {
    const fleet = await fleetOf();
    await fleet.run(5_000, () => 5);
    const used = await fleet.run(10_000, () => 5);
    expect(used).toBeGreaterThan(9_000);
    expect(fleet.worstExcess()).toBeLessThanOrEqual(LIMIT.burst + INSTANCES);
  });

  it("uses at least 90 % where two instances have nearly all the work", async () => {
    const fleet = await fleetOf(2);
    const skewed = (_: unknown, index: number): number =>
      index < 2 ? 30 : index % 7 === 0 ? 1 : 0;
    await fleet.run(5_000, skewed);
    const used = await fleet.run(10_000, skewed);
    expect(used).toBeGreaterThan(9_000);
    expect(fleet.worstExcess()).toBeLessThanOrEqual(LIMIT.burst + INSTANCES);
  });

  it("follows demand that moves from one half to the other", async () => {
    const fleet = await fleetOf(3);
    await fleet.run(5_000, (_, index) => (index < 10 ? 10 : 0));
    await fleet.run(3_000, (_, index) => (index < 10 ? 0 : 10));
    const used = await fleet.run(5_000, (_, index) => (index < 10 ? 0 : 10));
    expect(used).toBeGreaterThan(4_500);
    expect(fleet.worstExcess()).toBeLessThanOrEqual(LIMIT.burst + INSTANCES);
  });

  it("gives each what it needs while there is enough for all", async () => {
    const fleet = await fleetOf(4);
    const demand = (_: unknown, index: number): number =>
      index < 5 ? 2 : 0.1 > index / 99 ? 1 : 0;
    await fleet.run(4_000, demand);
    const before = fleet.instances.reduce((sum, { limiter }) => sum + limiter.stats.refused, 0);
    await fleet.run(5_000, demand);
    const after = fleet.instances.reduce((sum, { limiter }) => sum + limiter.stats.refused, 0);
    expect(after - before).toBe(0);
  });

  it("asks the store a bounded number of times, and not at all while idle", async () => {
    const fleet = await fleetOf(5);
    await fleet.run(3_000, () => 1);
    fleet.storeCalls = 0;
    await fleet.run(10_000, () => 1);
    const perPeriod = fleet.storeCalls / 10 / INSTANCES;
    expect(perPeriod).toBeGreaterThan(0.5);
    expect(perPeriod).toBeLessThan(4);
    await fleet.run(10_000, () => 0, 1_000);
    fleet.storeCalls = 0;
    // The store's own, for the record's retention.
    expect(fleet.runtime.pendingTimers).toBe(1);
    await fleet.run(60_000, () => 0, 1_000);
    expect(fleet.storeCalls).toBe(0);
  });

  it("divides the slices of the dead a lease later, and not before", async () => {
    const fleet = await fleetOf(6);
    await fleet.run(5_000, () => 5);
    for (const instance of fleet.instances.slice(0, 15)) instance.crash();
    const soon = await fleet.run(2_000, () => 20);
    expect(soon).toBeLessThan(2_000 * 0.35);
    await fleet.run(4_000, () => 20);
    expect(await fleet.run(5_000, () => 20)).toBeGreaterThan(4_500);
    expect(fleet.worstExcess()).toBeLessThanOrEqual(LIMIT.burst + INSTANCES);
  });

  it.each(["stop", "halve", "local"] as const)(
    "exceeds the limit while half of it is cut off by what %s says",
    async (onStoreLost) => {
      const fleet = await fleetOf(7, { onStoreLost });
      await fleet.run(5_000, () => 5);
      const cut = fleet.instances.slice(0, 10);
      for (const { backend } of cut) backend.faults.cut();
      await fleet.run(10_000, () => 10);
      const excess = fleet.worstExcess();
      const bound = LIMIT.burst + INSTANCES;
      // A slice is half the limit in all: one period's worth of it, or all of it for 7 s.
      if (onStoreLost === "stop") expect(excess).toBeLessThanOrEqual(bound);
      if (onStoreLost === "halve") expect(excess).toBeLessThanOrEqual(bound + 500);
      if (onStoreLost === "local") expect(excess).toBeGreaterThan(bound + 1_500);
      expect(excess).toBeLessThanOrEqual(bound + 500 * 8);
      expect(cut.some(({ limiter }) => limiter.stats.isRightful)).toBe(false);
      for (const { backend } of cut) backend.faults.restore();
      await fleet.run(6_000, () => 5);
      expect(fleet.instances.every(({ limiter }) => limiter.stats.isRightful)).toBe(true);
      expect(await fleet.run(5_000, () => 5)).toBeGreaterThan(4_500);
    },
  );

  it("keeps its bound while replies are lost, links break and instances come and go", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const fleet = new Fleet({ ...LIMIT, onStoreLost: "stop", periodMs: 300 }, seed);
      const { random } = fleet.runtime;
      let most = 0;
      for (let round = 0; round < 60; round++) {
        const dice = random.next();
        const living = fleet.instances.filter(({ isCrashed }) => !isCrashed);
        const one = living[Math.floor(random.next() * living.length)];
        if (living.length < 5 || (dice < 0.15 && living.length < INSTANCES)) fleet.join();
        else if (dice < 0.25) one?.crash();
        else if (dice < 0.35) one?.backend.faults.cut();
        else if (dice < 0.55) one?.backend.faults.restore();
        else if (dice < 0.65) one?.backend.faults.dropNextReply();
        else if (dice < 0.72) one?.backend.faults.dropNextRequest();
        else if (dice < 0.8) one?.backend.faults.delay(random.next() * 200);
        else if (dice < 0.83) fleet.runtime.stall(random.next() * 2_000);
        most = Math.max(most, fleet.instances.length);
        await fleet.run(200, (_, index) => (index % 3 === round % 3 ? 20 : 3), 40);
      }
      expect(fleet.passed.length, `seed ${seed}`).toBeGreaterThan(100);
      expect(fleet.worstExcess(), `seed ${seed}`).toBeLessThanOrEqual(LIMIT.burst + most);
    }
  });
});
