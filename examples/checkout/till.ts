/**
 * A till: one instance of the payment service and of the parcel desk, which comes and goes.
 *
 * It is found through the registry. One that is told to leave says so first, finishes what it has,
 * and goes; one that dies costs its callers a lease, and they ask another with the same keys.
 */
import { type Backend, isQuorateError } from "@quorate/core";
import { createIdempotency } from "@quorate/idempotency";
import { serve } from "@quorate/rpc";
import { reachProvider } from "./payments.ts";
import { openRegistry, Parcels, Payments } from "./services.ts";
import { TILL_LEASE_MS } from "./shop.ts";

/** What a till reports. */
export type TillEvent =
  | { readonly kind: "charging" }
  /** Its breaker opened: the provider is in trouble. */
  | { readonly kind: "opened" };

/** A till at work. */
export interface Till {
  /** Takes no more calls, ends those it has, and leaves. */
  close(): Promise<void>;
}

/** What a till needs. */
export interface TillOptions {
  readonly backend: Backend;
  readonly name: string;
  /** Where the payment provider is. */
  readonly providerUrl: string;
  readonly report: (event: TillEvent) => void;
}

const DRAIN_MS = 6_000;

/** Opens a till, and resolves when callers can find it. */
export async function openTill({ backend, name, providerUrl, report }: TillOptions): Promise<Till> {
  const { kv, runtime } = backend;
  const provider = reachProvider(providerUrl, runtime, () => report({ kind: "opened" }));
  const registry = openRegistry(backend);
  // What a till that died had in hand is free for the next one after this lease.
  const idempotency = createIdempotency(backend, { name: "till", leaseMs: TILL_LEASE_MS });
  const shared = { id: name, registry, idempotency };

  const payments = await serve(
    backend,
    Payments,
    {
      async charge({ orderId }, call) {
        report({ kind: "charging" });
        try {
          await provider.charge({ orderId, key: call.key, signal: call.signal });
        } catch (error) {
          if (!isQuorateError(error, "REFUSED")) throw error;
          throw call.fail("CardDeclined", { orderId });
        }
        return { till: name };
      },
      async refund({ orderId }, call) {
        await provider.refund({ orderId, key: call.key, signal: call.signal });
        return { till: name };
      },
    },
    shared,
  );
  const parcels = await serve(
    backend,
    Parcels,
    {
      async handOver({ orderId }, call) {
        // Whoever asks again finds the parcel that the first one made.
        await kv.put(`parcels/${orderId}`, call.key, { expect: "absent" });
        return { parcel: orderId };
      },
    },
    shared,
  );
  return {
    async close() {
      const grace = { graceMs: DRAIN_MS };
      await Promise.all([payments.close(grace), parcels.close(grace)]);
      await idempotency.close();
      await registry.close();
    },
  };
}
