/**
 * The wire: how messages travel between one process and the store, when they travel at all.
 *
 * In production the memory engine has none: an exchange runs in the caller's turn. A simulator
 * hands one in, and from then on every request, answer and push is a message that takes time,
 * waits out a partition or is lost with its connection, as it would be over TCP.
 *
 * Guarantees asked of whoever implements it: in each direction messages arrive in the order in
 * which they were sent, each at most once, and never in the sender's turn; what was on its way
 * when the connection was reset never arrives. Does not promise that anything arrives: deadlines
 * are the caller's.
 */

/** An end of a wire. */
export type WireEnd = "process" | "store";

/** One process's connection to the store, made again by itself after each reset. */
export interface Wire {
  /** Carries a message to the store: `deliver` runs there later, or never. `label`: for traces. */
  toStore(deliver: () => void, label?: string): void;
  /** Carries a message to the process: `deliver` runs there later, or never. */
  toProcess(deliver: () => void, label?: string): void;
  /**
   * Calls `listener` each time one end learns that the connection was reset, and which end it is:
   * the two learn it at different times, and an end that is cut off may learn it late or never.
   * What is sent afterwards travels on a new connection.
   */
  onReset(listener: (end: WireEnd) => void): void;
}
