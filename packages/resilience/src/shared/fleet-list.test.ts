/**
 * Fleets as somebody sees them who is in none.
 */
import { afterEach, describe, expect, it } from "vitest";

import { fleetControl } from "./fleet-control.ts";
import { listFleets } from "./fleet-list.ts";
import { FleetWorld } from "./fleet.fixture.ts";

let world = new FleetWorld();

afterEach(async () => {
  await world.close();
  world = new FleetWorld();
});

describe("the fleets of a store", () => {
  it("are those of which there is something to tell, by name, each with who and why", async () => {
    const [first, second] = await world.add(2);
    if (first === undefined || second === undefined) throw new Error("there are two");
    await world.run(1_000);
    expect(await listFleets(first.backend)).toEqual([]);
    await fleetControl(second.backend, "shipping").trip({ by: "bob", why: "a test" });
    await fleetControl(second.backend, "billing").isolate({ by: "ada", why: "incident 7" });
    expect(await listFleets(first.backend)).toMatchObject([
      { name: "billing", state: "isolated", by: "ada", why: "incident 7", complaining: 0 },
      { name: "shipping", state: "open", by: "bob", why: "a test" },
    ]);
    expect(await listFleets(first.backend, { limit: 1 })).toMatchObject([{ name: "billing" }]);
  });

  it("tell how many instances complain before the fleet has judged", async () => {
    const instances = await world.add(4);
    const [first] = instances;
    if (first === undefined) throw new Error("there are four");
    await world.run(500);
    first.isSick = true;
    await world.until(() => first.fleet.stats.writes > 0, 20_000);
    expect(await listFleets(first.backend)).toMatchObject([{ name: "billing", complaining: 1 }]);
  });

  it("are no fleets where others wrote below the same prefix", async () => {
    const [first] = await world.add(1);
    if (first === undefined) throw new Error("there is one");
    await first.backend.kv.put("breaker/odd", "x");
    await first.backend.kv.put("breaker/broken/fleet", "not JSON");
    expect(await listFleets(first.backend)).toMatchObject([{ name: "broken", state: "closed" }]);
    await expect(listFleets(first.backend, { limit: 0 })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
