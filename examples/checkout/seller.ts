/**
 * Sells one order: takes the units under a fenced lock of the item, then the money.
 *
 * The lock keeps two nodes from selling the same units at once; the guard keeps a node that woke
 * up too late from writing over its successor; the order's id keeps a repeat from being charged
 * again. A node that is told to pause does so at the worst moment, when its write has passed every
 * check of its own and is about to leave.
 */
import { type Backend, isQuorateError, sleep } from "@quorate/core";
import { createGuard, createLocks, type Lock } from "@quorate/lock";
import type { Payments } from "./payments.ts";
import { BUSIEST_ITEM, LEASE_MS, type Order } from "./shop.ts";
import { stallingKv } from "./stalling-kv.ts";
import { decodeStock, encodeStock, sell } from "./stock.ts";

const MOST_ATTEMPTS = 20;
const RETRY_DELAY_MS = 50;
const PACKING_MS = 3;

/** What a seller reports while it works. */
export type SaleEvent =
  | { readonly kind: "pausing"; readonly item: string; readonly fencingToken: number }
  | { readonly kind: "stale write refused"; readonly item: string; readonly floor: number };

/** How an order ended. */
export type Outcome = "sold" | "sold out";

/** What a seller needs. */
export interface SellerOptions {
  readonly backend: Backend;
  readonly payments: Payments;
  readonly report: (event: SaleEvent) => void;
  /** Stops this node's world for a while, once, in the middle of a write. */
  readonly pause?: () => Promise<void>;
}

/** Somebody who sells. */
export interface Seller extends AsyncDisposable {
  /** Sells and charges, as often as it takes. */
  serve(order: Order): Promise<Outcome>;
}

/** Opens a seller. */
export function createSeller(options: SellerOptions): Seller {
  const { backend, payments } = options;
  const locks = createLocks(backend, { ttlMs: LEASE_MS, waitMs: 60_000 });
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

  const take = (order: Order): Promise<Outcome> =>
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

  const takeUntilSettled = async (order: Order): Promise<Outcome> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await take(order);
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

  return {
    async serve(order) {
      const outcome = await takeUntilSettled(order);
      if (outcome === "sold") await payments.charge(order.id);
      return outcome;
    },
    [Symbol.asyncDispose]: () => locks[Symbol.asyncDispose](),
  };
}

/** Selling is safe to repeat: the stock record knows the orders that it has sold. */
function mayTryAgain(error: unknown): boolean {
  if (!isQuorateError(error)) return false;
  return error.retryable || error.code === "STALE_TOKEN" || error.code === "LOCK_LOST";
}
