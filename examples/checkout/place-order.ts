/**
 * An order as a saga: take the units, charge the card, hand the parcel over. Cards and parcels are
 * other services, which are called with the key of the step.
 *
 * Whatever fails on the way, the order ends complete, or with its units back on the shelf and its
 * money with the customer. The parcel is the pivot: once it is handed over nothing is undone.
 */
import { isQuorateError } from "@quorate/core";
import { type Saga, saga, type Sagas } from "@quorate/transaction";
import type { Services } from "./services.ts";
import type { Shelves } from "./shelves.ts";
import type { Order } from "./shop.ts";

/** How an order ended. */
export type Outcome = "sold" | "sold out" | "declined";

/** What an order needs. */
export interface OrderServices {
  readonly shelves: Shelves;
  readonly services: Pick<Services, "payments" | "parcels">;
  /** Called at the till, before the card is charged. */
  readonly atTill?: (order: Order) => void | Promise<void>;
}

const STEP_MS = 40_000;

/** The definition, with this process's services. */
export function definePlaceOrder({
  shelves,
  services,
  atTill,
}: OrderServices): Saga<Order, string> {
  const { payments, parcels } = services;
  return saga("place-order", { version: 1, input: checkOrder })
    .step("reserve", {
      run: ({ input, signal }) => shelves.take(input, signal),
      undo: ({ input, signal }) => shelves.giveBack(input, signal),
      timeoutMs: STEP_MS,
    })
    .step("charge", {
      run: async ({ input, key, signal }) => {
        await atTill?.(input);
        return payments.charge({ orderId: input.id }, { key, signal });
      },
      undo: ({ input, key, signal }) => payments.refund({ orderId: input.id }, { key, signal }),
      timeoutMs: STEP_MS,
    })
    .pivot("dispatch", {
      run: ({ input, key, signal }) => parcels.handOver({ orderId: input.id }, { key, signal }),
      timeoutMs: STEP_MS,
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
