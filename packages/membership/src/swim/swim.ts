/**
 * Membership by SWIM: for large groups, and for groups that share no server.
 *
 * Each member asks one other per second whether it lives, so that the cost per member stays the
 * same from five members to some thousands, and what one learns all know a few rounds of gossip
 * later. With the defaults a crash in a group of forty is known to all in about ten seconds.
 *
 * Guarantees: who leaves is `left` within a round or two of gossip; who crashes is suspected, asked
 * directly and through others, and then `down`; a healthy member that is accused hears of it and
 * refutes; a process that stood still accuses nobody; halves of a partition find each other again
 * without a new join. Does not guarantee: that all see the same at one moment, that what is `down`
 * is dead, or, without `secrets`, that a member is who it says.
 *
 * Das, Gupta, Motivala, "SWIM", DSN 2002; Dadgar, Phillips, Currey, "Lifeguard", DSN-W 2018.
 */
import type { Membership } from "../membership.ts";
import type { SwimRefusal } from "./swim-events.ts";

/** Counts of one member since its start. */
export interface SwimStats {
  /** Packets given to the transport. */
  readonly packetsSent: number;
  /** Packets that came, refused ones among them. */
  readonly packetsReceived: number;
  /** Bytes of the packets sent, seals included. */
  readonly bytesSent: number;
  /** Packets that the transport did not take. */
  readonly packetsUnsent: number;
  /** What came and counted for nothing, by why. */
  readonly refused: Readonly<Record<SwimRefusal, number>>;
}

/** A group whose members ask each other. */
export interface Swim extends Membership {
  /** Name of the group. */
  readonly group: string;
  /** Living members as this one sees them, itself included. */
  readonly size: number;
  /** This member's own health: 0 is good, 7 the worst; its timeouts are so many times longer. */
  readonly health: number;
  /** Counts so far. */
  readonly stats: SwimStats;
  /**
   * Takes part from now on: others are asked, and this member is told of. Resolves when packets
   * can be received; whether anybody answers is for `joined`.
   *
   * @throws CLOSED
   * @throws Error what the transport or the store said; `start` may be called again.
   */
  start(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Resolves once another member is known. The first of a group waits here until there is another.
   *
   * @throws MEMBER_CONFLICT a younger process has this name.
   * @throws CLOSED
   */
  joined(options?: { readonly signal?: AbortSignal }): Promise<void>;
}
