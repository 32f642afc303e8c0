/**
 * Fleets whose store, or whose prober, is lost.
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

describe("case 28: a store that is lost", () => {
  const cutAll = (): void => world.instances.forEach(({ backend }) => backend.faults.cut());
  const restoreAll = (): void => world.instances.forEach(({ backend }) => backend.faults.restore());

  it("while open: each breaker decides alone at once, and hears it again later", async () => {
    await world.add(10);
    await world.run(10_000);
    world.ail(() => true);
    await world.until(() => world.hearing("open") === 10, 20_000);
    cutAll();
    await world.run(50);
    expect(world.hearing(undefined)).toBe(10);
    // By themselves they are still open: the same outage.
    expect(world.openBreakers).toBe(10);
    restoreAll();
    await world.run(50);
    expect(world.hearing("open")).toBe(10);
  });

  it("while open, for half: they decide alone, and rejoin at the higher epoch", async () => {
    await world.add(10);
    await world.run(10_000);
    world.ail(() => true);
    await world.until(() => world.hearing("open") === 10, 20_000);
    const epoch = world.instances[0]?.fleet.stats.epoch ?? 0;
    const cutOff = world.instances.slice(0, 5);
    for (const { backend } of cutOff) backend.faults.cut();
    world.ail(() => false);
    const others = world.instances.slice(5);
    await world.until(() => others.every(({ fleet }) => fleet.verdict === undefined), 60_000);
    // Alone they recovered as well, each by probes of its own.
    expect(world.openBreakers).toBe(0);
    for (const { backend } of cutOff) backend.faults.restore();
    await world.run(50);
    const epochs = new Set(world.instances.map(({ fleet }) => fleet.stats.epoch));
    expect(epochs.size).toBe(1);
    expect([...epochs][0]).toBeGreaterThan(epoch);
    expect(world.hearing(undefined)).toBe(10);
  });

  it("while probing: the prober stops for the fleet, and one other takes its turn", async () => {
    await world.add(10, { shared: { probeLeaseMs: 3_000 } });
    await world.run(10_000);
    world.ail(() => true);
    await world.until(() => world.hearing("open") === 10, 20_000);
    for (const instance of world.instances) instance.rps = 1;
    await world.until(() => world.hearing("probing") === 1, 20_000);
    const prober = world.instances.find(({ fleet }) => fleet.verdict?.kind === "probing");
    prober?.backend.faults.cut();
    await world.run(50);
    expect(prober?.fleet.verdict).toBeUndefined();
    world.ail(() => false);
    const tookMs = await world.until(() => world.hearing("ramping") >= 9, 20_000);
    expect(tookMs).toBeLessThan(10_000);
    prober?.backend.faults.restore();
    await world.run(50);
    expect(world.hearing("ramping")).toBe(10);
  });

  it("from the start: breakers work as if they had no fleet", async () => {
    await world.add(5);
    cutAll();
    await world.run(10_000);
    world.ail(() => true);
    await world.run(20_000);
    expect(world.openBreakers).toBe(5);
    expect(world.hearing(undefined)).toBe(5);
    world.ail(() => false);
    await world.until(() => world.openBreakers === 0, 70_000);
    restoreAll();
    await world.run(100);
    expect(world.instances.every(({ fleet }) => fleet.stats.isConnected)).toBe(true);
  });

  it("with answers that come seconds late: calls go on in their own turn", async () => {
    await world.add(10);
    for (const { backend } of world.instances) backend.faults.delay(3_000);
    world.ail(() => true);
    const { calls } = world;
    for (let round = 0; round < 400; round++) {
      const before = calls.faulty + calls.rejected;
      await world.run(50);
      expect(calls.faulty + calls.rejected - before).toBeGreaterThanOrEqual(4);
    }
  });
});

describe("case 29: a prober that crashes", () => {
  it("is followed by exactly one, when its lease has ended; its verdict is refused", async () => {
    await world.add(10, { shared: { probeLeaseMs: 5_000 } });
    await world.run(10_000);
    world.ail(() => true);
    await world.until(() => world.hearing("open") === 10, 20_000);
    for (const instance of world.instances) instance.rps = 1;
    await world.until(() => world.hearing("probing") === 1, 20_000);
    const zombie = world.instances.find(({ fleet }) => fleet.verdict?.kind === "probing");
    const epoch = zombie?.fleet.verdict?.epoch ?? 0;
    // It stands still: neither calls nor messages.
    if (zombie !== undefined) zombie.rps = 0;
    zombie?.backend.faults.pauseReplies();
    const others = world.instances.filter((instance) => instance !== zombie);
    const probing = (): number =>
      others.filter(({ fleet }) => fleet.verdict?.kind === "probing").length;
    for (const instance of others) instance.rps = 20;
    const tookMs = await world.until(() => probing() === 1, 20_000);
    expect(tookMs).toBeGreaterThan(3_500);
    expect(tookMs).toBeLessThan(7_000);
    // It wakes up with good news from long ago.
    zombie?.fleet.probed(epoch, true);
    await world.until(() => probing() === 0, 20_000);
    zombie?.backend.faults.resumeReplies();
    await world.run(100);
    expect(world.history.at(-1)).toBe("open");
    expect(world.hearing("open")).toBe(10);
  });
});
