/**
 * One node of the shop: claims batches of orders, and sells each under a fenced lock of its item.
 *
 * The lock keeps two nodes from selling the same units at once; the guard keeps a node that woke
 * up too late from writing over its successor. The node that is told to pause does so at the worst
 * moment, when its write has passed every check of its own and is about to leave.
 */
import { type Backend, isQuorateError, sleep } from "@quorate/core";
import { createGuard, createLocks, type Lock } from "@quorate/lock";
import { BATCH_SIZE, BUSIEST_ITEM, LEASE_MS, type Order } from "./shop.ts";
import { stallingKv } from "./stalling-kv.ts";
import { decodeStock, encodeStock, sell } from "./stock.ts";

const MOST_ATTEMPTS = 20;
const RETRY_DELAY_MS = 50;
const PACKING_MS = 3;

/** What a node reports while it works. */
export type NodeEvent =
  | { readonly kind: "ready" }
  | { readonly kind: "sold" | "sold out"; readonly order: string }
  | { readonly kind: "pausing"; readonly item: string; readonly fencingToken: number }
  | { readonly kind: "stale write refused"; readonly item: string; readonly floor: number };

/** What a node needs. */
export interface NodeOptions {
  readonly name: string;
  readonly backend: Backend;
  readonly orders: readonly Order[];
  readonly report: (event: NodeEvent) => void;
  /** Stops this node's world for a while, once, in the middle of a write. */
  readonly pause?: () => Promise<void>;
}

/** Works until no batch is left. */
export async function runNode(options: NodeOptions): Promise<void> {
  const { backend, orders, name } = options;
  await using locks = createLocks(backend, { ttlMs: LEASE_MS, waitMs: 60_000 });
  const link = stallingKv(backend.kv);
  const guard = createGuard(link.kv);
  let { pause } = options;

  const pauseOnce = (lock: Lock, item: string): void => {
    if (pause === undefined || item !== BUSIEST_ITEM) return;
    const pauseNow = pause;
    pause = undefined;
    link.arm(async () => {
      options.report({ kind: "pausing", item, fencingToken: lock.fencingToken });
      await pauseNow();
    });
  };

  const serve = (order: Order): Promise<"sold" | "sold out"> =>
    locks.run(`item/${order.item}`, async (lock) => {
      const shelf = await guard.open(lock, `stock/${order.item}`);
      const sale = sell(decodeStock(await shelf.read()), order.id, order.quantity);
      if (sale.kind !== "sold") return sale.kind === "sold out" ? "sold out" : "sold";
      // Packing takes a moment; without it nobody would ever meet at the shelf.
      await sleep(backend.runtime, PACKING_MS);
      pauseOnce(lock, order.item);
      await shelf.write(encodeStock(sale.stock));
      return "sold";
    });

  const serveUntilSettled = async (order: Order): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return options.report({ kind: await serve(order), order: order.id });
      } catch (error) {
        if (attempt === MOST_ATTEMPTS || !mayTryAgain(error)) throw error;
        await sleep(backend.runtime, RETRY_DELAY_MS);
        const { cause } = error as Error;
        const stale = [error, cause].find((one) => isQuorateError(one, "STALE_TOKEN"));
        if (!isQuorateError(stale, "STALE_TOKEN")) continue;
        const { floor } = stale.details;
        options.report({ kind: "stale write refused", item: order.item, floor });
      }
    }
  };

  for (let batch = 0; batch * BATCH_SIZE < orders.length; batch++) {
    // Whoever creates the record has the batch; the others go on to the next.
    const claim = await backend.kv.put(`batches/${batch}`, name, { expect: "absent" });
    if (!claim.ok) continue;
    const mine = orders.slice(batch * BATCH_SIZE, (batch + 1) * BATCH_SIZE);
    await Promise.all(mine.map(serveUntilSettled));
  }
}

/** Selling is safe to repeat: the stock record knows the orders that it has sold. */
function mayTryAgain(error: unknown): boolean {
  if (!isQuorateError(error)) return false;
  return error.retryable || error.code === "STALE_TOKEN" || error.code === "LOCK_LOST";
}
