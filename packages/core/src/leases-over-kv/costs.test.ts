import { describe, expect, it } from "vitest";

import { ScriptedRuntime } from "../testing.ts";
import { TestProcess } from "./processes.fixture.ts";
import { TestStore } from "./test-kv.fixture.ts";

const WAITERS = 128;
const ONE_WAY_MS = 1;

/** A line of 128 behind one holder, spread over so many processes; then it is let go. */
async function line(processes: number) {
  const world = new ScriptedRuntime({ seed: 7 });
  const store = new TestStore();
  const all = Array.from({ length: processes }, () => new TestProcess(world, store));
  for (const { link } of all) link.faults.delayMs = () => ONE_WAY_MS * (0.5 + world.random.next());
  const claim = (owner: string, waitMs: number) => ({ owner, ttlMs: 60_000, waitMs });
  const holder = new TestProcess(world, store);
  void holder.use("job", claim("first", 0), 10_000);
  await world.advance(1_000);

  const beforeJoin = store.operations;
  const granted: string[] = [];
  for (let index = 0; index < WAITERS; index++) {
    const process = all[index % processes];
    const owner = `waiter-${index}`;
    void process?.leases.acquire("job", claim(owner, 600_000)).then(async (grant) => {
      if (!grant.granted) return;
      granted.push(owner);
      await process.leases.release(grant);
    });
  }
  const joinStartMs = world.time.monotonicMs();
  let joinMs = 0;
  const full = () => Buffer.from(store.entries.get("job")?.value ?? []).includes("waiter-127");
  while (joinMs < 5_000 && !full()) {
    await world.advance(10);
    joinMs = world.time.monotonicMs() - joinStartMs;
  }
  await world.advance(8_000 - joinMs);
  const joined = store.operations - beforeJoin;
  expect(granted).toEqual([]);

  const beforeGrants = store.operations;
  while (granted.length === 0) await world.advance(1);
  const startMs = world.time.monotonicMs();
  while (granted.length < WAITERS && world.time.monotonicMs() - startMs < 60_000) {
    await world.advance(1);
  }
  const handOverMs = (world.time.monotonicMs() - startMs) / (WAITERS - 1);
  await world.advance(100);
  const perGrant = (store.operations - beforeGrants) / WAITERS;
  return { joinsPerWaiter: joined / WAITERS, joinMs, perGrant, handOverMs, granted, store };
}

describe("the cost of a line of 128", { timeout: 60_000 }, () => {
  it.each([
    // Processes, and at most: operations per join, operations per grant, round trips per grant.
    { processes: 1, joins: 0.2, grants: 1.1, trips: 1.2 },
    { processes: 8, joins: 1, grants: 2.3, trips: 2.3 },
    { processes: 32, joins: 4, grants: 2.3, trips: 2.3 },
    { processes: 128, joins: 16, grants: 2.3, trips: 2.3 },
  ])(
    "in $processes processes stays within its bounds",
    async ({ processes, joins, grants, trips }) => {
      const cost = await line(processes);
      if (process.env["QUORATE_COSTS"] !== undefined) {
        const { joinsPerWaiter, joinMs, perGrant, handOverMs } = cost;
        process.stdout.write(
          `${JSON.stringify({ processes, joinsPerWaiter, joinMs, perGrant, handOverMs })}\n`,
        );
      }
      expect(cost.granted.length).toBe(WAITERS);
      expect(cost.joinsPerWaiter).toBeLessThanOrEqual(joins);
      expect(cost.perGrant).toBeLessThanOrEqual(grants);
      expect(cost.handOverMs).toBeLessThanOrEqual(trips * 2 * ONE_WAY_MS);
      expect(cost.store.entries.size).toBe(0);
    },
  );
});
