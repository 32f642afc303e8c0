/**
 * The shelves: units of each item, taken and given back under a fenced lock.
 *
 * The lock keeps two nodes from selling the same units at once; the guard keeps a node that woke
 * up too late from writing over its successor. A node that is told to pause does so at the worst
 * moment, when its write has passed every check of its own and is about to leave.
 */
import { type Backend, isQuorateError, refuse, sleep } from "@quorate/core";
import { createGuard, createLocks, type Lock } from "@quorate/lock";
import type { Asleep } from "./overtaken.ts";
import { BUSIEST_ITEM, LEASE_MS, type Order } from "./shop.ts";
import { stallingKv } from "./stalling-kv.ts";
import { decodeStock, encodeStock, giveBack, sell, type Stock } from "./stock.ts";

const MOST_ATTEMPTS = 20;
const RETRY_DELAY_MS = 50;
const PACKING_MS = 3;

/** What happens at a shelf besides. */
export type ShelfEvent =
  | { readonly kind: "pausing"; readonly item: string; readonly fencingToken: number }
  | { readonly kind: "stale write refused"; readonly item: string; readonly floor: number };

/** What the shelves need. */
export interface ShelvesOptions {
  readonly backend: Backend;
  readonly report: (event: ShelfEvent) => void;
  /** Stops this node's world for a while, once, in the middle of a write. */
  readonly pause?: (asleep: Asleep) => Promise<void>;
}

/** The shelves, as an order sees them. Both are safe to repeat: the record knows its orders. */
export interface Shelves extends AsyncDisposable {
  /** Takes the units. @throws REFUSED there are not enough, or the order was undone. */
  take(order: Order, signal: AbortSignal): Promise<void>;
  /** Gives back what the order took, if anything, and lets it take nothing later. */
  giveBack(order: Order, signal: AbortSignal): Promise<void>;
}

/** Opens the shelves. */
export function openShelves(options: ShelvesOptions): Shelves {
  const { backend } = options;
  const locks = createLocks(backend, { ttlMs: LEASE_MS, waitMs: 60_000 });
  const link = stallingKv(backend.kv);
  const guard = createGuard(link.kv);
  let { pause } = options;

  const pauseOnce = (lock: Lock, item: string): void => {
    if (pause === undefined || item !== BUSIEST_ITEM) return;
    const pauseNow = pause;
    pause = undefined;
    link.arm(async () => {
      const { fencingToken } = lock;
      options.report({ kind: "pausing", item, fencingToken });
      await pauseNow({ item, fencingToken });
    });
  };

  /** Changes the record of an item; `undefined` leaves it as it is. */
  const change = (item: string, decide: (stock: Stock) => Stock | undefined): Promise<void> =>
    locks.run(`item/${item}`, async (lock) => {
      const shelf = await guard.open(lock, `stock/${item}`);
      const next = decide(decodeStock(await shelf.read()));
      if (next === undefined) return;
      // Packing takes a moment; without it nobody would ever meet at the shelf.
      await sleep(backend.runtime, PACKING_MS);
      pauseOnce(lock, item);
      await shelf.write(encodeStock(next));
    });

  const changeUntilSettled: typeof change = async (item, decide) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await change(item, decide);
      } catch (error) {
        if (attempt === MOST_ATTEMPTS || !mayTryAgain(error)) throw error;
        const { cause } = error as Error;
        const stale = [error, cause].find((one) => isQuorateError(one, "STALE_TOKEN"));
        if (isQuorateError(stale, "STALE_TOKEN")) {
          options.report({ kind: "stale write refused", item, floor: stale.details.floor });
        }
        await sleep(backend.runtime, RETRY_DELAY_MS);
      }
    }
  };

  return {
    take: ({ id, item, quantity }, signal) =>
      changeUntilSettled(item, (stock) => {
        signal.throwIfAborted();
        const sale = sell(stock, id, quantity);
        if (sale.kind === "sold out" || sale.kind === "given back") throw refuse(sale.kind);
        return sale.kind === "sold" ? sale.stock : undefined;
      }),
    giveBack: ({ id, item }, signal) =>
      changeUntilSettled(item, (stock) => {
        signal.throwIfAborted();
        return Object.hasOwn(stock.returned, id) ? undefined : giveBack(stock, id);
      }),
    [Symbol.asyncDispose]: () => locks[Symbol.asyncDispose](),
  };
}

function mayTryAgain(error: unknown): boolean {
  if (!isQuorateError(error)) return false;
  return error.retryable || error.code === "STALE_TOKEN" || error.code === "LOCK_LOST";
}
