/**
 * The audit: adds up what is left and what was sold, and compares with the morning's stock.
 */
import type { Backend } from "@quorate/core";
import { createGuard, createLocks } from "@quorate/lock";
import type { Visit } from "./customers.ts";
import type { Ledger } from "./provider.ts";
import { INITIAL_STOCK, type Order } from "./shop.ts";
import { decodeStock, encodeStock, type Stock } from "./stock.ts";

/** The findings of an audit. `problems` is empty when all is well. */
export interface Findings {
  readonly initial: number;
  readonly sold: number;
  readonly left: number;
  readonly ordersSold: number;
  readonly problems: readonly string[];
}

/** Puts the morning's stock on the shelves. */
export async function fillShelves(backend: Backend, items: readonly string[]): Promise<void> {
  await eachShelf(backend, items, async (shelf) => {
    await shelf.write(encodeStock({ left: INITIAL_STOCK, sold: {} }));
  });
}

/** Reads every shelf under its lock and checks it against the orders. */
export async function audit(
  backend: Backend,
  items: readonly string[],
  orders: readonly Order[],
): Promise<Findings> {
  const shelves = new Map<string, Stock>();
  await eachShelf(backend, items, async (shelf, item) => {
    shelves.set(item, decodeStock(await shelf.read()));
  });
  return examine(shelves, orders);
}

/** Compares shelves with orders. Pure. */
export function examine(shelves: ReadonlyMap<string, Stock>, orders: readonly Order[]): Findings {
  const problems: string[] = [];
  const byId = new Map(orders.map((order) => [order.id, order]));
  const totals = { initial: 0, sold: 0, left: 0, ordersSold: 0 };
  for (const [item, stock] of shelves) {
    const sales = Object.entries(stock.sold);
    const sold = sales.reduce((sum, [, quantity]) => sum + quantity, 0);
    totals.initial += INITIAL_STOCK;
    totals.sold += sold;
    totals.left += stock.left;
    totals.ordersSold += sales.length;
    if (stock.left < 0) problems.push(`${item}: oversold by ${-stock.left}`);
    if (sold + stock.left !== INITIAL_STOCK) {
      problems.push(`${item}: ${sold} sold + ${stock.left} left is not ${INITIAL_STOCK}`);
    }
    for (const [id, quantity] of sales) {
      const order = byId.get(id);
      if (order?.item === item && order.quantity === quantity) continue;
      problems.push(`${item}: sale of ${quantity} to ${id} matches no order`);
    }
    const unserved = orders.filter((order) => order.item === item && !(order.id in stock.sold));
    const fits = unserved.find((order) => order.quantity <= stock.left);
    if (fits !== undefined) problems.push(`${item}: ${fits.id} was refused, yet would have fitted`);
  }
  return { ...totals, problems };
}

/** Each sold order must have been charged once, and nothing else. Pure. */
export function examineLedger({ charges }: Ledger, ordersSold: number): string[] {
  const twice = [...charges].filter(([, times]) => times !== 1);
  const problems = twice.map(([order, times]) => `${order} was charged ${times} times`);
  if (charges.size !== ordersSold) {
    problems.push(`${ordersSold} orders sold, ${charges.size} charged`);
  }
  return problems;
}

/** Every customer must have been answered, and every repeat as the first. Pure. */
export function examineVisit(
  { answers }: Visit,
  orders: readonly Order[],
): { readonly sold: number; readonly problems: readonly string[] } {
  const problems: string[] = [];
  let sold = 0;
  for (const { id } of orders) {
    const told = [...(answers.get(id) ?? [])];
    if (told.length !== 1)
      problems.push(`${id} was given ${told.length} answers: ${told.join("; ")}`);
    const [answer = ""] = told;
    if (answer.startsWith("201")) sold += 1;
    else if (!answer.startsWith("410")) problems.push(`${id} was told ${answer}`);
  }
  return { sold, problems };
}

type Shelf = Awaited<ReturnType<ReturnType<typeof createGuard>["open"]>>;

async function eachShelf(
  backend: Backend,
  items: readonly string[],
  visit: (shelf: Shelf, item: string) => Promise<void>,
): Promise<void> {
  await using locks = createLocks(backend);
  const guard = createGuard(backend.kv);
  for (const item of items) {
    await locks.run(`item/${item}`, async (lock) => {
      await visit(await guard.open(lock, `stock/${item}`), item);
    });
  }
}
