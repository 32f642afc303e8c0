/**
 * The audit: adds up what is left and what was sold, and compares with the morning's stock.
 */
import type { Backend } from "@quorate/core";
import { createGuard, createLocks } from "@quorate/lock";
import { createSagas } from "@quorate/transaction";
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
  /** Orders that were undone after they had taken something, or had been refused. */
  readonly ordersUndone: number;
  readonly problems: readonly string[];
}

/** Puts the morning's stock on the shelves. */
export async function fillShelves(backend: Backend, items: readonly string[]): Promise<void> {
  await eachShelf(backend, items, async (shelf) => {
    await shelf.write(encodeStock({ left: INITIAL_STOCK, sold: {}, returned: {} }));
  });
}

/** Reads every shelf under its lock, every saga and every parcel, and compares with the orders. */
export async function audit(
  backend: Backend,
  items: readonly string[],
  orders: readonly Order[],
): Promise<Findings> {
  const shelves = new Map<string, Stock>();
  await eachShelf(backend, items, async (shelf, item) => {
    shelves.set(item, decodeStock(await shelf.read()));
  });
  const findings = examine(shelves, orders);
  const ends = await endsOf(backend, orders);
  const parcels = new Set<string>();
  for await (const { key } of backend.kv.list("parcels")) parcels.add(key.slice("parcels/".length));
  const problems = [...findings.problems, ...examineEnds({ ends, parcels, shelves })];
  return { ...findings, problems };
}

/** How each order's saga ended; an order without one has none. */
async function endsOf(
  backend: Backend,
  orders: readonly Order[],
): Promise<ReadonlyMap<string, string>> {
  await using sagas = createSagas(backend);
  const ends = new Map(orders.map(({ id }) => [id, "never begun"]));
  for await (const { id, state, stuck } of sagas.list({ name: "place-order" })) {
    ends.set(id, stuck.length > 0 ? `${state}, stuck` : state);
  }
  return ends;
}

/** Every order is complete, with units and a parcel, or undone, with neither. Pure. */
export function examineEnds(evidence: {
  readonly ends: ReadonlyMap<string, string>;
  readonly parcels: ReadonlySet<string>;
  readonly shelves: ReadonlyMap<string, Stock>;
}): string[] {
  const { ends, parcels, shelves } = evidence;
  const taken = new Set([...shelves.values()].flatMap(({ sold }) => Object.keys(sold)));
  return [...ends].flatMap(([id, end]) => {
    if (end !== "done" && end !== "compensated") return [`${id}: its saga is ${end}`];
    const isWhole = end === "done";
    const found: string[] = [];
    if (taken.has(id) !== isWhole) found.push(`${id} is ${end}, and has units: ${taken.has(id)}`);
    if (parcels.has(id) !== isWhole)
      found.push(`${id} is ${end}, has a parcel: ${parcels.has(id)}`);
    return found;
  });
}

/** Compares shelves with orders. Pure. */
export function examine(shelves: ReadonlyMap<string, Stock>, orders: readonly Order[]): Findings {
  const problems: string[] = [];
  const byId = new Map(orders.map((order) => [order.id, order]));
  const totals = { initial: 0, sold: 0, left: 0, ordersSold: 0, ordersUndone: 0 };
  for (const [item, stock] of shelves) {
    const sales = Object.entries(stock.sold);
    const sold = sales.reduce((sum, [, quantity]) => sum + quantity, 0);
    totals.initial += INITIAL_STOCK;
    totals.sold += sold;
    totals.left += stock.left;
    totals.ordersSold += sales.length;
    totals.ordersUndone += Object.keys(stock.returned).length;
    if (stock.left < 0) problems.push(`${item}: oversold by ${-stock.left}`);
    if (sold + stock.left !== INITIAL_STOCK) {
      problems.push(`${item}: ${sold} sold + ${stock.left} left is not ${INITIAL_STOCK}`);
    }
    for (const [id, quantity] of sales) {
      const order = byId.get(id);
      if (order?.item === item && order.quantity === quantity) continue;
      problems.push(`${item}: sale of ${quantity} to ${id} matches no order`);
    }
    for (const id of Object.keys(stock.returned)) {
      if (id in stock.sold) problems.push(`${item}: ${id} was given back and is sold`);
    }
  }
  return { ...totals, problems };
}

/** Each sold order must have been charged once, and nobody else's money be kept. Pure. */
export function examineLedger({ charges, refunds }: Ledger, ordersSold: number): string[] {
  const twice = [...charges].filter(([, times]) => times !== 1);
  const problems = twice.map(([order, times]) => `${order} was charged ${times} times`);
  const kept = [...charges.keys()].filter((order) => !refunds.has(order)).length;
  if (kept !== ordersSold) problems.push(`${ordersSold} orders sold, ${kept} paid for`);
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
    else if (!answer.startsWith("410") && !answer.startsWith("402"))
      problems.push(`${id} was told ${answer}`);
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
