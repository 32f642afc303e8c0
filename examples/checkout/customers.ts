/**
 * Customers at the front door: impatient ones, who send each order three times at once, and again
 * until somebody answers.
 */
import { type FetchFunction, fetchWithIdempotency } from "@quorate/http";
import type { Order } from "./shop.ts";

/** What the customers were told. */
export interface Visit {
  /** Answers by order: one text, however often it was asked. */
  readonly answers: ReadonlyMap<string, ReadonlySet<string>>;
  /** Requests that were answered from the record of the first. */
  readonly replayed: number;
}

/** How often each order is sent at once. */
export const CLICKS = 3;
const AT_ONCE = 4;

/** Sends all orders; `doorUrl` says where the door is now. */
export async function visit(orders: readonly Order[], doorUrl: () => string): Promise<Visit> {
  const answers = new Map<string, Set<string>>();
  let replayed = 0;
  // The door may have moved between two tries: the address is looked up for each.
  const knock: FetchFunction = (_, init) => fetch(new URL("/orders", doorUrl()), init);
  const send = fetchWithIdempotency(knock, {
    attempts: 200, // A new door may take a while to open.
    attemptTimeoutMs: 8_000,
    backoffMs: 50,
    maxBackoffMs: 400,
    budget: false, // They stand for many customers, who share no patience.
  });
  const click = async (order: Order): Promise<void> => {
    const response = await send("http://door/orders", {
      method: "POST",
      idempotencyKey: order.id,
      headers: { "content-type": "application/json", "x-customer": order.id },
      body: JSON.stringify(order),
    });
    if (response.headers.get("idempotent-replayed") === "true") replayed += 1;
    const told = answers.get(order.id) ?? new Set();
    answers.set(order.id, told.add(`${response.status} ${await response.text()}`));
  };
  const queue = [...orders];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let order = queue.shift(); order !== undefined; order = queue.shift()) {
        const mine = order;
        await Promise.all(Array.from({ length: CLICKS }, () => click(mine)));
      }
    }),
  );
  return { answers, replayed };
}
