/**
 * What carries the packets of a SWIM group: UDP, a bus, or a network in memory.
 *
 * It may lose packets, double them, delay them and change their order; the machine expects it. It
 * hands over whole packets, and never throws for an address that a stranger made up.
 */
import type { Runtime } from "@quorate/core";

/** Carries packets for one member. */
export interface SwimTransport {
  /** Clocks, timers and chance of the process that it serves. */
  readonly runtime: Runtime;
  /** Addresses behind which the transport itself finds some member; asked like seeds. */
  readonly meetingPoints: readonly string[];
  /**
   * Begins to receive. Resolves to the address at which others reach this process, which no other
   * living process has.
   */
  open(receive: (packet: Uint8Array) => void): Promise<string>;
  /** Sends at most once. Rejects if it is known that nothing was sent; silence proves nothing. */
  send(address: string, packet: Uint8Array): Promise<void>;
  /** Receives no more, and lets go of what it holds. Twice is fine. */
  close(): Promise<void>;
}
