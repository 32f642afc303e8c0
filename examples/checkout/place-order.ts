/**
 * An order as a saga: take the units, charge the card, hand the parcel over.
 *
 * Whatever fails on the way, the order ends complete, or with its units back on the shelf and its
 * money with the customer. The parcel is the pivot: once it is handed over nothing is undone.
 */
import { isQuorateError, type KvStore } from "@quorate/core";
import { type Saga, saga, type Sagas } from "@quorate/transaction";
import { PATIENCE_MS, type Payments } from "./payments.ts";
import type { Shelves } from "./shelves.ts";
import type { Order } from "./shop.ts";

/** How an order ended. */
export type Outcome = "sold" | "sold out" | "declined";

/** What an order needs. */
export interface OrderServices {
  readonly shelves: Shelves;
  readonly payments: Payments;
  readonly kv: KvStore;
  /** Called at the till, before the card is charged. */
  readonly atTill?: (order: Order) => void | Promise<void>;
}

const TILL_MS = PATIENCE_MS + 10_000;

/** The definition, with this process's services. */
export function definePlaceOrder(services: OrderServices): Saga<Order, string> {
  const { shelves, payments, kv, atTill } = services;
  return saga("place-order", { version: 1, input: checkOrder })
    .step("reserve", {
      run: ({ input, signal }) => shelves.take(input, signal),
      undo: ({ input, signal }) => shelves.giveBack(input, signal),
      timeoutMs: TILL_MS,
    })
    .step("charge", {
      run: async ({ input, key, signal }) => {
        await atTill?.(input);
        await payments.charge({ orderId: input.id, key, signal });
      },
      undo: ({ input, key, signal }) => payments.refund({ orderId: input.id, key, signal }),
      timeoutMs: TILL_MS,
    })
    .pivot("dispatch", {
      run: async ({ input, key }) => {
        // Whoever asks again finds the parcel that the first one made.
        await kv.put(`parcels/${input.id}`, key, { expect: "absent" });
        return { parcel: input.id };
      },
    })
    .returns(({ out }) => out.dispatch.parcel);
}

/** Runs an order to its end, here or wherever it is taken up. */
export async function placeOrder(
  sagas: Sagas,
  definition: Saga<Order, string>,
  order: Order,
): Promise<Outcome> {
  try {
    await sagas.run(definition, { id: order.id, input: order });
    return "sold";
  } catch (error) {
    if (!isQuorateError(error, "SAGA_COMPENSATED")) throw error;
    return error.details.step === "reserve" ? "sold out" : "declined";
  }
}

function checkOrder(input: Order): Order {
  const { id, item, quantity } = input;
  if (typeof id !== "string" || typeof item !== "string" || !Number.isInteger(quantity)) {
    throw new TypeError("not an order");
  }
  return { id, item, quantity };
}
