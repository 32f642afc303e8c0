/**
 * Somebody who sells: shelves, sagas and clients of the services of one process, put together.
 */
import type { Backend } from "@quorate/core";
import { createSagas, createWorker } from "@quorate/transaction";
import type { Asleep } from "./overtaken.ts";
import { definePlaceOrder, type Outcome, placeOrder } from "./place-order.ts";
import { openServices } from "./services.ts";
import { openShelves, type ShelfEvent } from "./shelves.ts";
import { type Order, WORKER_LEASE_MS } from "./shop.ts";

const GRACE_MS = 300;

/** What a seller needs. */
export interface SellerOptions {
  readonly backend: Backend;
  readonly report: (event: ShelfEvent) => void;
  /** Stops this node's world for a while, once, in the middle of a write. */
  readonly pause?: (asleep: Asleep) => Promise<void>;
  /** Called before a card is charged. */
  readonly atTill?: (order: Order) => void | Promise<void>;
}

/** Somebody who sells. */
export interface Seller extends AsyncDisposable {
  /** Sells an order, or undoes it. Asked twice, it is one order. */
  serve(order: Order): Promise<Outcome>;
}

/** Opens a seller, who also takes up the orders of sellers that died. */
export function createSeller(options: SellerOptions): Seller {
  const { backend, atTill } = options;
  const services = openServices(backend);
  const shelves = openShelves(options);
  const worker = createWorker(backend, { leaseMs: WORKER_LEASE_MS });
  const sagas = createSagas(backend, { worker });
  const definition = definePlaceOrder({ shelves, services, ...(atTill && { atTill }) });
  sagas.serve(definition);
  return {
    serve: (order) => placeOrder(sagas, definition, order),
    async [Symbol.asyncDispose]() {
      // Its own orders have ended by now; what it took up from others goes to whoever is there.
      await sagas.close({ graceMs: GRACE_MS });
      await worker.close({ graceMs: 0 });
      await services[Symbol.asyncDispose]();
      await shelves[Symbol.asyncDispose]();
    },
  };
}
