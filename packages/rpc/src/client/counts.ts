/**
 * What a client counts, since it was made.
 */

/** Counters of a client, as it keeps them. */
export interface ClientCounts {
  calls: number;
  attempts: number;
  answered: number;
  failed: number;
  late: number;
  unreadable: number;
}

/** All zero. */
export function clientCounts(): ClientCounts {
  return { calls: 0, attempts: 0, answered: 0, failed: 0, late: 0, unreadable: 0 };
}
