/**
 * What gossiping processes say to one another.
 *
 * - `rumours`: some news; with `pull` the hearer tells its own in return.
 * - `knew`: which of those were none, and news in return.
 * - `digest`: how much the sender knows of each owner whose id is in [`from`, `to`). Who is in the
 *   range and not listed is unknown to it. A digest of many owners goes out in parts, one a time.
 * - `delta`: what the hearer of the digest lacks, and what it would like to have in return.
 */
import type { OwnerDelta, OwnerVersion } from "./ledger.ts";
import type { Rumour, RumourRef } from "./rumours.ts";

/** A message. */
export type GossipMessage =
  | { readonly kind: "rumours"; readonly rumours: readonly Rumour[]; readonly pull: boolean }
  | {
      readonly kind: "knew";
      readonly knew: readonly RumourRef[];
      readonly rumours: readonly Rumour[];
    }
  | {
      readonly kind: "digest";
      /** First id of the range; empty: from the first. */
      readonly from: string;
      /** The id that ends the range; empty: to the last. */
      readonly to: string;
      readonly known: readonly OwnerVersion[];
    }
  | {
      readonly kind: "delta";
      readonly deltas: readonly OwnerDelta[];
      readonly wanted: readonly OwnerVersion[];
    };

/** Bytes of one owner's row in a digest, besides its id. */
export const ROW_BYTES = 40;

/** Bytes of a packet besides what it is made of: kind, sender, brackets. */
export const HEAD_BYTES = 512;
