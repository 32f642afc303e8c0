/**
 * A shared breaker on real servers: three instances, each on a connection of its own, open
 * together, and come back by the probes of one.
 */
import type { Backend } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { afterEach, describe, expect, it } from "vitest";

import { type Breaker, breaker } from "../packages/resilience/src/breaker.ts";
import { fleetControl } from "../packages/resilience/src/shared/fleet-control.ts";
import { sharedThrough } from "../packages/resilience/src/shared/shared-through.ts";
import { needs, startNats } from "../scripts/servers/index.mjs";
import { Rig } from "./redis/rig.ts";
import { connectTo, freshNamespace } from "./support/nats-client.ts";

const SHARED = { publishMs: 200, resetMs: 300, probeLeaseMs: 3_000, rampMs: 300, minCalls: 10 };
const PATIENCE_MS = 6_000;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** Three instances, and a dependency that can be down. */
class Fleet {
  isUp = true;
  /** Who reached the dependency since it was last asked. */
  readonly callers = new Set<Breaker>();
  readonly breakers: readonly Breaker[];

  constructor(backends: readonly Backend[]) {
    this.breakers = backends.map((backend) => {
      const share = sharedThrough(backend, SHARED);
      const one = breaker({ name: "billing", share, reset: { afterMs: 60_000 }, rampMs: 0 });
      closing.push(() => one.dispose());
      return one;
    });
  }

  get states(): readonly string[] {
    return this.breakers.map(({ state }) => state);
  }

  /** Everybody calls, every 10 ms, until `isSo`. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      if (performance.now() > endMs) expect.fail(`${what}: ${this.states.join(", ")}`);
      for (const one of this.breakers) void this.#call(one).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #call(one: Breaker): Promise<void> {
    return one.run(() => {
      this.callers.add(one);
      if (!this.isUp) throw new Error("the dependency is down");
    });
  }
}

async function checkOutage(backends: readonly Backend[]): Promise<void> {
  const fleet = new Fleet(backends);
  const isAll = (state: string) => () => fleet.states.every((one) => one === state);
  const control = fleetControl(backends[0] as Backend, "billing");

  await fleet.until("one call each", () => fleet.callers.size === 3);
  expect(await control.inspect()).toMatchObject({ state: "closed", epoch: 0 });
  fleet.isUp = false;
  await fleet.until("all open", isAll("open"));
  // By the fleet, not each by itself: their own would last for a minute.
  let epoch = 0;
  const isOpened = async (): Promise<boolean> => {
    ({ epoch } = await control.inspect());
    return epoch > 0;
  };
  while (!(await isOpened())) await fleet.until("a turn", () => true);

  fleet.callers.clear();
  fleet.isUp = true;
  await fleet.until("a prober", () => fleet.states.some((one) => one !== "open"));
  expect(fleet.callers.size).toBeLessThanOrEqual(1);
  await fleet.until("all closed", isAll("closed"));
  const end = await control.inspect();
  expect(end.epoch).toBeGreaterThan(epoch);

  await control.isolate({ by: "ada", why: "incident 7" });
  await fleet.until("all isolated", isAll("open"));
  await control.release({ by: "ada", why: "over", rampMs: 200 });
  await fleet.until("all released", isAll("closed"));
}

const redis = needs("redis");
describe.skipIf(redis.skip)(`a shared breaker on redis${redis.reason}`, () => {
  it("opens for all, and comes back for all", async () => {
    const rig = await Rig.start();
    closing.push(() => rig.stop());
    await checkOutage([rig.open(), rig.open(), rig.open()]);
  });
});

const nats = needs("nats");
describe.skipIf(nats.skip)(`a shared breaker on nats${nats.reason}`, () => {
  it("opens for all, and comes back for all", async () => {
    const server = await startNats({ version: "2.15" });
    closing.push(() => server.stop());
    const namespace = freshNamespace();
    const backends = await Promise.all(
      [1, 2, 3].map(async () => {
        const connection = await connectTo("@nats-io/transport-node", server.url);
        closing.push(() => connection.close());
        const backend = natsBackend(connection, { namespace });
        closing.push(() => backend.close({ graceMs: 0 }));
        return backend;
      }),
    );
    await checkOutage(backends);
  });
});
