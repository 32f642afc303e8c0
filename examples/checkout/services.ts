/**
 * The shop's services, as contracts: what a till and the parcel desk can be asked, said once for
 * those who ask and those who serve.
 *
 * Both are `keyed`: whoever asks again with the same key, after a lost answer or after the death of
 * the till that was asked first, gets the first one's answer, and the card is charged once. A call
 * without its key does not compile.
 */
import type { Backend } from "@quorate/core";
import { createBalancer, createRegistry } from "@quorate/discovery";
import { type Client, client, contract } from "@quorate/rpc";
import { z } from "zod";
import { TILL_LEASE_MS } from "./shop.ts";

const Order = z.object({ orderId: z.string().min(1).max(64) });

/** How long a till tries to reach the provider before it gives a call up. */
export const PATIENCE_MS = 4_000;

/** Cards. */
export const Payments = contract("payments", "1.0.0", {
  charge: {
    input: Order,
    output: z.object({ till: z.string() }),
    errors: { CardDeclined: Order },
    repeat: "keyed",
    timeoutMs: 30_000,
    attemptTimeoutMs: PATIENCE_MS + 1_000,
  },
  /** Gives the money back, if it was taken, and forbids that it is taken later. */
  refund: {
    input: Order,
    output: z.object({ till: z.string() }),
    repeat: "keyed",
    timeoutMs: 30_000,
    attemptTimeoutMs: PATIENCE_MS + 1_000,
  },
});

/** What leaves the house. */
export const Parcels = contract("parcels", "1.0.0", {
  handOver: {
    input: Order,
    output: z.object({ parcel: z.string() }),
    repeat: "keyed",
    timeoutMs: 30_000,
    attemptTimeoutMs: 2_000,
  },
});

/** Clients of the shop's services. */
export interface Services extends AsyncDisposable {
  readonly payments: Client<typeof Payments>;
  readonly parcels: Client<typeof Parcels>;
}

/** Opens clients that choose among the tills that are there, as they come and go. */
export function openServices(backend: Backend): Services {
  const registry = openRegistry(backend);
  const { runtime } = backend;
  const through = (service: string) => ({
    endpoints: registry.service(service, "^1.0.0"),
    balancer: createBalancer({ name: service, runtime }),
  });
  const payments = client(backend, Payments, through(Payments.name));
  const parcels = client(backend, Parcels, through(Parcels.name));
  return {
    payments,
    parcels,
    async [Symbol.asyncDispose]() {
      await Promise.all([payments.close({ graceMs: 0 }), parcels.close({ graceMs: 0 })]);
      await registry.close();
    },
  };
}

/** The registry, as all processes of the shop open it. */
export function openRegistry(backend: Backend): ReturnType<typeof createRegistry> {
  return createRegistry(backend, { ttlMs: TILL_LEASE_MS, watchDelayMs: 200 });
}
