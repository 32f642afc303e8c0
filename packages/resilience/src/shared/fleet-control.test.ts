/**
 * Fleets in an operator's hand.
 */
import { afterEach, describe, expect, it } from "vitest";

import { fleetControl } from "./fleet-control.ts";
import { FleetWorld } from "./fleet.fixture.ts";

let world = new FleetWorld();

afterEach(async () => {
  const { runtime } = world;
  await world.close();
  world = new FleetWorld();
  expect(runtime.pendingTimers).toBe(0);
});

describe("a fleet in an operator's hand", () => {
  it("is isolated until it is released, and says by whom and why", async () => {
    const [first] = await world.add(10);
    await world.run(1_000);
    if (first === undefined) throw new Error("there are ten");
    const control = fleetControl(first.backend, "billing");
    expect(await control.inspect()).toEqual({ state: "closed", epoch: 0, by: "", why: "" });
    await control.isolate({ by: "ada", why: "double charges" });
    await world.run(50);
    expect(world.hearing("open")).toBe(10);
    const error = await first.breaker.run(() => 1).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "BREAKER_OPEN", details: { state: "open" } });
    expect((error as { details: object }).details).not.toHaveProperty("retryAfterMs");
    const { rejected } = world.calls;
    await world.run(120_000);
    expect(world.hearing("open")).toBe(10);
    expect(world.calls.rejected - rejected).toBeCloseTo(12_000, -3);
    expect(await control.inspect()).toMatchObject({ state: "isolated", by: "ada" });
    // Who joins now hears it, too.
    await world.add(1);
    expect(world.hearing("open")).toBe(11);
    await control.release({ by: "ada", why: "refunded", rampMs: 2_000 });
    await world.run(50);
    expect(world.hearing("ramping")).toBe(11);
    await world.run(10_000);
    expect(await control.inspect()).toMatchObject({ state: "closed", why: "the ramp is over" });
  });

  it("is isolated for as long as was said, and then calls come back step by step", async () => {
    const [first] = await world.add(5);
    if (first === undefined) throw new Error("there are five");
    const control = fleetControl(first.backend, "billing");
    await control.isolate({ by: "ada", why: "a deploy", forMs: 60_000 });
    await world.run(59_000);
    expect(world.hearing("open")).toBe(5);
    const { endsInMs = Infinity } = await control.inspect();
    expect(endsInMs).toBeGreaterThan(500);
    expect(endsInMs).toBeLessThan(1_100);
    // Who joins at the end hears of it too, and does not make it longer for the others.
    await world.add(1);
    await world.until(() => world.hearing("ramping") === 6, 5_000);
    expect(await control.inspect()).toMatchObject({ why: "the isolation has ended" });
    await world.until(() => world.hearing(undefined) === 6, 30_000);
    expect(await control.inspect()).not.toHaveProperty("endsInMs");
  });

  it("is released before its isolation ends, and that end changes nothing any more", async () => {
    const [first] = await world.add(3);
    if (first === undefined) throw new Error("there are three");
    const control = fleetControl(first.backend, "billing");
    await control.isolate({ by: "ada", why: "a deploy", forMs: 60_000 });
    await control.release({ by: "ada", why: "done", rampMs: 1_000 });
    await world.run(10_000);
    expect(world.hearing(undefined)).toBe(3);
    const { epoch } = await control.inspect();
    await world.run(90_000);
    expect(await control.inspect()).toMatchObject({ state: "closed", epoch });
  });

  it("is tripped, and finds out by itself", async () => {
    const [first] = await world.add(10);
    if (first === undefined) throw new Error("there are ten");
    const control = fleetControl(first.backend, "billing");
    await control.trip({ by: "ada", why: "load test", resetMs: 1_000 });
    await world.run(50);
    expect(world.hearing("open")).toBe(10);
    await world.until(() => world.hearing(undefined) === 10, 20_000);
    expect(world.history).toEqual(["open", "probing", "ramping", "closed"]);
  });

  it("refuses orders without a name or a reason, before it asks the store", async () => {
    const [first] = await world.add(1);
    if (first === undefined) throw new Error("there is one");
    const control = fleetControl(first.backend, "billing");
    for (const order of [{ by: "", why: "x" }, { by: "ada", why: "" }, { by: "ada" }, {}]) {
      await expect(control.isolate(order as never)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        effect: "none",
      });
    }
    for (const forMs of [0, -1, 0.5, NaN, 604_800_001]) {
      await expect(control.isolate({ by: "a", why: "b", forMs })).rejects.toMatchObject({
        details: { option: "forMs" },
      });
    }
    await expect(control.trip({ by: "a", why: "b", resetMs: -1 })).rejects.toMatchObject({
      details: { option: "resetMs" },
    });
    expect(() => fleetControl(first.backend, "a/b")).toThrow("name must be one segment");
  });
});
