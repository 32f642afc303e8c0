/**
 * Credit of a stream: how much the client is willing to receive, in all, since the stream began.
 *
 * Both numbers are totals that only grow, never differences: a grant that is lost, repeated or
 * overtaken by a later one does no harm, because the greatest one says everything. Items bound what
 * a consumer has to work through, bytes bound memory; a frame may go over the bytes by one item,
 * since nobody knows how long an item is before it is there.
 *
 * The idea is HTTP/2's (RFC 9113, section 5.2), with totals in the place of increments.
 */

/** Totals since the beginning of the stream. Safe integers. */
export interface Credit {
  /** Items that may be sent in all. */
  readonly items: number;
  /** Bytes of frames, as they stand on the bus, after which no further item is begun. */
  readonly bytes: number;
}

/** The greater of both, member by member. */
export function laterCredit(one: Credit, other: Credit): Credit {
  return {
    items: Math.max(one.items, other.items),
    bytes: Math.max(one.bytes, other.bytes),
  };
}

/** How many silent keep-alive periods mean that the other side is gone. */
export const SILENT_PERIODS = 3;
