/**
 * One node of the shop: takes batches of the day's orders, and sells each.
 *
 * A batch belongs to whoever holds its lock. When a node dies, its lock ends, another takes the
 * batch and places its orders again: those that were placed are not placed twice.
 */
import { type Backend, sleep } from "@quorate/core";
import { createLocks } from "@quorate/lock";
import type { Asleep } from "./overtaken.ts";
import type { Outcome } from "./place-order.ts";
import { createSeller } from "./seller.ts";
import type { ShelfEvent } from "./shelves.ts";
import { BATCH_SIZE, LEASE_MS, NODE_DIES_AT, type Order } from "./shop.ts";

const REST_MS = 50;

/** What a node reports while it works. */
export type NodeEvent =
  | { readonly kind: "ready" }
  | { readonly kind: Outcome; readonly order: string }
  /** It is at its end: orders are at the till, and nothing more comes from here. */
  | { readonly kind: "dying"; readonly orders: number }
  | ShelfEvent;

/** What a node needs. */
export interface NodeOptions {
  readonly name: string;
  readonly backend: Backend;
  readonly orders: readonly Order[];
  readonly report: (event: NodeEvent) => void;
  /** Stops this node's world for a while, once, in the middle of a write. */
  readonly pause?: (asleep: Asleep) => Promise<void>;
  /** Set: it dies in the middle of some orders, and this is all that they still see. */
  readonly doom?: Promise<never>;
}

/** Works until no batch is left. */
export async function runNode(options: NodeOptions): Promise<void> {
  const { backend, orders, report } = options;
  await using locks = createLocks(backend, { ttlMs: LEASE_MS });
  await using seller = createSeller({ ...options, ...lastHour(options) });
  const batches = Array.from(
    { length: Math.ceil(orders.length / BATCH_SIZE) },
    (_, batch) => batch,
  );

  const isSold = async (batch: number): Promise<boolean> =>
    (await backend.kv.get(`batches/${batch}`)) !== undefined;

  const sellBatch = async (batch: number): Promise<void> => {
    await using lock = await locks.tryAcquire(`batch/${batch}`);
    if (lock === undefined || (await isSold(batch))) return;
    const mine = orders.slice(batch * BATCH_SIZE, (batch + 1) * BATCH_SIZE);
    await Promise.all(
      mine.map(async (order) => report({ kind: await seller.serve(order), order: order.id })),
    );
    await backend.kv.put(`batches/${batch}`, options.name);
  };

  for (let left = batches; left.length > 0;) {
    for (const batch of left) await sellBatch(batch);
    const sold = await Promise.all(left.map(isSold));
    left = left.filter((_, index) => sold[index] !== true);
    // What is left is in the hands of others, or of one who died.
    if (left.length > 0) await sleep(backend.runtime, REST_MS);
  }
}

/** Nobody gets past the till any more once so many have come to it. */
function lastHour({ doom, report }: NodeOptions): { atTill?: () => Promise<void> } {
  if (doom === undefined) return {};
  let came = 0;
  return {
    atTill: async () => {
      came += 1;
      if (came < NODE_DIES_AT) return;
      if (came === NODE_DIES_AT) report({ kind: "dying", orders: BATCH_SIZE });
      await doom;
    },
  };
}
