/**
 * Stock of one item: what is left and which orders took it, in one record.
 *
 * All facts in one value, so that one fenced write moves them together, and the audit can add them
 * up. An order that is already in the list is not sold again: a retry after an unknown outcome is
 * safe. One that was given back stays in the list of those: a late request for it takes nothing.
 */
import { parseJson } from "@quorate/core";

/** Units of each order that was sold, by order id; and the orders that were undone. */
export interface Stock {
  readonly left: number;
  readonly sold: Readonly<Record<string, number>>;
  readonly returned: Readonly<Record<string, true>>;
}

/** What selling came to. */
export type Sale =
  | { readonly kind: "sold"; readonly stock: Stock }
  | { readonly kind: "already sold" }
  | { readonly kind: "sold out" }
  | { readonly kind: "given back" };

/** Takes `quantity` for `orderId`, if it is there and was not given back before. Pure. */
export function sell(stock: Stock, orderId: string, quantity: number): Sale {
  if (Object.hasOwn(stock.returned, orderId)) return { kind: "given back" };
  if (Object.hasOwn(stock.sold, orderId)) return { kind: "already sold" };
  if (stock.left < quantity) return { kind: "sold out" };
  const sold = { ...stock.sold, [orderId]: quantity };
  return { kind: "sold", stock: { ...stock, left: stock.left - quantity, sold } };
}

/** Puts back what `orderId` took, if anything, and lets it take nothing ever after. Pure. */
export function giveBack(stock: Stock, orderId: string): Stock {
  const { [orderId]: units = 0, ...sold } = stock.sold;
  const returned = { ...stock.returned, [orderId]: true as const };
  return { left: stock.left + units, sold, returned };
}

/** The record's bytes. */
export function encodeStock(stock: Stock): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(stock));
}

/** Reads a record; a damaged one stops the example, as it would stop a shop. */
export function decodeStock(bytes: Uint8Array | undefined): Stock {
  const parsed = bytes === undefined ? undefined : parseJson(bytes, { maxNodes: 100_000 });
  if (parsed === undefined || !parsed.ok) throw new Error("stock record missing or damaged");
  return parsed.value as unknown as Stock;
}
