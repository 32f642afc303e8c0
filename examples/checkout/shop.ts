/**
 * What the shop sells and who ordered what: read from `orders.csv`, a few hundred lines.
 *
 * Demand is larger than the stock of some items on purpose: selling the last unit twice is the
 * mistake that this example is about.
 */
import { readFileSync } from "node:fs";

/** One line of the file. */
export interface Order {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
}

/** Units on the shelf in the morning, per item. */
export const INITIAL_STOCK = 60;
/** Orders that a node claims at a time. */
export const BATCH_SIZE = 8;
/** Length of an item's lease. Short, so that the pause of a node does not make a long film. */
export const LEASE_MS = 1_000;
/** The item that everybody wants, so that somebody takes over while its holder sleeps. */
export const BUSIEST_ITEM = "anvil";
/** How long the unlucky node sleeps: well beyond its lease. */
export const PAUSE_MS = LEASE_MS * 1.5;

/** A node's lease for all its sagas: after a crash, others take them up so much later. */
export const WORKER_LEASE_MS = 2_500;
/** How many orders the doomed node has at the till when it dies. */
export const NODE_DIES_AT = 20;

/** A night lasts no longer here than this: the schedule of the reconciliation. */
export const NIGHT = "* * * * * *";
/** Nights whose books must be closed before the shop does. */
export const NIGHTS = 2;

/** A till's lease: its place in the registry, and what it has in hand. */
export const TILL_LEASE_MS = 2_000;
/** Charges that were begun when one till dies, and when another is sent home. */
export const TILL_DIES_AT = 90;
export const TILL_LEAVES_AT = 200;

/** Lease of an order at the front door: what the crash of a door costs its customers. */
export const DOOR_LEASE_MS = 800;
/** Orders that come over the web. */
const WEB_ORDERS = 24;
/** How many of them have been begun when the first door dies. */
export const DOOR_DIES_AT = 7;

/** The orders of the web's customers: some of everything. */
export function webOrders(items: readonly string[]): readonly Order[] {
  return Array.from({ length: WEB_ORDERS }, (_, index) => ({
    id: `web-${index + 1}`,
    item: items[index % items.length] ?? BUSIEST_ITEM,
    quantity: 1 + (index % 2),
  }));
}

/** The orders of the day. */
export function readOrders(): readonly Order[] {
  const file = readFileSync(new URL("./orders.csv", import.meta.url), "utf8");
  return file
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [id = "", item = "", quantity = ""] = line.split(",");
      return { id, item, quantity: Number(quantity) };
    });
}

/** The items that were ordered at least once, in order of name. */
export function itemsOf(orders: readonly Order[]): readonly string[] {
  return [...new Set(orders.map((order) => order.item))].sort();
}
