/**
 * Stock of one item: what is left and which orders took it, in one record.
 *
 * Both facts in one value, so that one fenced write moves both, and the audit can add them up. An
 * order that is already in the list is not sold again: a retry after an unknown outcome is safe.
 */
import { parseJson } from "@quorate/core";

/** Units of each order that was sold, by order id. */
export interface Stock {
  readonly left: number;
  readonly sold: Readonly<Record<string, number>>;
}

/** What selling came to. */
export type Sale =
  | { readonly kind: "sold"; readonly stock: Stock }
  | { readonly kind: "already sold" }
  | { readonly kind: "sold out" };

/** Takes `quantity` for `orderId`, if it is there. Pure. */
export function sell(stock: Stock, orderId: string, quantity: number): Sale {
  if (Object.hasOwn(stock.sold, orderId)) return { kind: "already sold" };
  if (stock.left < quantity) return { kind: "sold out" };
  const sold = { ...stock.sold, [orderId]: quantity };
  return { kind: "sold", stock: { left: stock.left - quantity, sold } };
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
