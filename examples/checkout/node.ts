/**
 * One node of the shop: claims batches of the day's orders, and sells each.
 */
import type { Backend } from "@quorate/core";
import { createPayments, type PaymentStats } from "./payments.ts";
import { createSeller, type SaleEvent } from "./seller.ts";
import { BATCH_SIZE, type Order } from "./shop.ts";

/** What a node reports while it works. */
export type NodeEvent =
  | { readonly kind: "ready" }
  | { readonly kind: "sold" | "sold out"; readonly order: string }
  | { readonly kind: "paid"; readonly stats: PaymentStats }
  | SaleEvent;

/** What a node needs. */
export interface NodeOptions {
  readonly name: string;
  readonly backend: Backend;
  readonly orders: readonly Order[];
  /** Where the payment provider is. */
  readonly providerUrl: string;
  readonly report: (event: NodeEvent) => void;
  /** Stops this node's world for a while, once, in the middle of a write. */
  readonly pause?: () => Promise<void>;
}

/** Works until no batch is left. */
export async function runNode(options: NodeOptions): Promise<void> {
  const { backend, orders, name, report } = options;
  const payments = createPayments(options.providerUrl, backend.runtime);
  await using seller = createSeller({ ...options, payments });
  for (let batch = 0; batch * BATCH_SIZE < orders.length; batch++) {
    // Whoever creates the record has the batch; the others go on to the next.
    const claim = await backend.kv.put(`batches/${batch}`, name, { expect: "absent" });
    if (!claim.ok) continue;
    const mine = orders.slice(batch * BATCH_SIZE, (batch + 1) * BATCH_SIZE);
    await Promise.all(
      mine.map(async (order) => report({ kind: await seller.serve(order), order: order.id })),
    );
  }
  report({ kind: "paid", stats: payments.stats });
}
