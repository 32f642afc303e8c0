/**
 * The three services of the order, each with its contract. They know nothing of sagas: what they
 * can do, and how to undo it. All of it is `keyed`: asked again with the same key, a service gives
 * the answer that it gave, and does nothing.
 */
import { connect, type Quorate } from "quorate";
import { contract } from "quorate/rpc";
import { z } from "zod";
import type { Player } from "../shared/example.ts";

/** An order is its id. */
export const order = z.string();
const keyed = { input: order, output: z.string(), repeat: "keyed", timeoutMs: 10_000 } as const;
/** Goods. */
export const Stock = contract("stock", "1.0.0", { reserve: keyed, release: keyed });
/** Money. */
export const Bank = contract("bank", "1.0.0", { charge: keyed, refund: keyed });
/** Parcels. */
export const Courier = contract("courier", "1.0.0", {
  book: { ...keyed, errors: { NobodyDrivesThere: z.object({ order }) } },
});

/** What a service did, or what a coordinator says: "charged moon". */
export type Told = `${string} ${string}`;

/** The service of goods. */
export async function stock({ engine, options, tell }: Player<Told>): Promise<Quorate> {
  const q = await connect(engine, options);
  await q.rpc.serve(Stock, {
    reserve: async (id) => (await tell(`reserved ${id}`), "shelf 4"),
    release: async (id) => (await tell(`released ${id}`), "shelf 4"),
  });
  return q;
}

/** The service of money. */
export async function bank({ engine, options, tell }: Player<Told>): Promise<Quorate> {
  const q = await connect(engine, options);
  await q.rpc.serve(Bank, {
    charge: async (id) => (await tell(`charged ${id}`), "receipt"),
    refund: async (id) => (await tell(`refunded ${id}`), "credit note"),
  });
  return q;
}

/** The service of parcels: not to the moon. */
export async function courier({ engine, options, tell }: Player<Told>): Promise<Quorate> {
  const q = await connect(engine, options);
  await q.rpc.serve(Courier, {
    async book(id, call) {
      await tell(`asked ${id}`);
      if (id === "moon") throw call.fail("NobodyDrivesThere", { order: id });
      return "parcel";
    },
  });
  return q;
}
