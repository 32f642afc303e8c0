/**
 * What a server counts, since it was made.
 */

/** Counters of a server, as it keeps them. */
export interface ServerCounts {
  served: number;
  failed: number;
  cancelled: number;
  unanswered: number;
  unreadable: number;
  expired: number;
  duplicate: number;
}

/** All zero. */
export function serverCounts(): ServerCounts {
  return {
    served: 0,
    failed: 0,
    cancelled: 0,
    unanswered: 0,
    unreadable: 0,
    expired: 0,
    duplicate: 0,
  };
}
