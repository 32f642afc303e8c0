/**
 * The web's share of the day: customers at a door that dies and is replaced.
 */
import { visit, type Visit } from "./customers.ts";
import type { Shop } from "./embedded.ts";
import { DOOR_DIES_AT, type Order } from "./shop.ts";

/** A visit, and how often a door's handler began an order. */
export interface WebDay extends Visit {
  readonly handled: number;
}

/** Serves all `orders`, through two doors. */
export async function receiveWebOrders(options: {
  readonly shop: Shop;
  readonly orders: readonly Order[];
  readonly say: (line: string) => void;
}): Promise<WebDay> {
  const { shop, orders, say } = options;
  let handled = 0;
  let replace: Promise<void> | undefined;
  const onOrder = (): void => {
    handled += 1;
    if (handled === DOOR_DIES_AT) replace = crashAndReplace();
  };
  let door = await shop.hireDoor(onOrder);
  const crashAndReplace = async (): Promise<void> => {
    await door.crash();
    say("the front door died in the middle of an order; another opens");
    door = await shop.hireDoor(onOrder);
  };
  const visited = await visit(orders, () => door.url);
  await replace;
  await door.close();
  return { ...visited, handled };
}
