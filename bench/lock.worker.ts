/**
 * One of the processes that contend: see `harness/fleet.ts`. It is started by the fleet, takes
 * orders over IPC, and ends when told to or when its parent has gone.
 */
import { load } from "./contenders/catalogue.ts";
import type { ContenderId, Session } from "./contenders/contender.ts";
import { nowMs, sleep } from "./harness/clock.ts";
import type { GrantTimes, Order } from "./harness/fleet.ts";
import { takeOrders } from "./harness/helper.ts";

const sessions = new Map<ContenderId, Session>();

takeOrders(carryOut);

async function carryOut(order: Order): Promise<readonly GrantTimes[]> {
  switch (order.kind) {
    case "open":
      for (const id of order.ids) sessions.set(id, await (await load(id)).open(order.url));
      return [];
    case "wait":
      return Promise.all(order.waiters.map((waiter) => waitOnce(order, waiter)));
    case "loop":
      return (await Promise.all(order.waiters.map((waiter) => loop(order, waiter)))).flat();
    case "close":
      for (const session of sessions.values()) await session.close();
      return [];
  }
}

async function waitOnce(
  order: Extract<Order, { kind: "wait" }>,
  { waiter, startMs }: { readonly waiter: number; readonly startMs: number },
): Promise<GrantTimes> {
  const session = sessionOf(order.id);
  await sleep(startMs - nowMs());
  const startedMs = nowMs();
  const held = await session.acquire(order.name, { ttlMs: order.ttlMs });
  const acquiredMs = nowMs();
  // Before the call: after it another process may have the lock while this one stands still.
  const releasedMs = nowMs();
  await held.release();
  return { waiter, startedMs, acquiredMs, releasedMs };
}

async function loop(
  order: Extract<Order, { kind: "loop" }>,
  waiter: number,
): Promise<GrantTimes[]> {
  const session = sessionOf(order.id);
  const grants: GrantTimes[] = [];
  await sleep(order.startMs - nowMs());
  while (nowMs() < order.endMs) {
    const startedMs = nowMs();
    const held = await session.acquire(order.name, { ttlMs: order.ttlMs });
    const acquiredMs = nowMs();
    await sleep(order.holdMs);
    const releasedMs = nowMs();
    await held.release();
    grants.push({ waiter, startedMs, acquiredMs, releasedMs });
  }
  return grants;
}

function sessionOf(id: ContenderId): Session {
  const session = sessions.get(id);
  if (session === undefined) throw new Error(`${id} was not opened`);
  return session;
}
