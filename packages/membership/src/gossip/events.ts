/**
 * What gossip tells the world: events on `runtime.events`.
 *
 * Names and numbers only, never a value. An event that nobody subscribes to costs a property read.
 */
import type { ErrorCode, EventChannel, Events } from "@quorate/core";

/** Which group an event is about, and as whom this process takes part in it. */
export interface GossipSubject {
  readonly group: string;
  readonly self: string;
}

/** `quorate:gossip.refused`: something that arrived was not believed. */
export interface GossipRefused extends GossipSubject {
  /** `peers`: the list that the `peers` option answered was bad, and the last one stands. */
  readonly why: "unreadable" | "entries" | "peers";
  /** More about it, for people; never the sender's own words. */
  readonly reason: string;
}

/** `quorate:gossip.reborn`: others knew facts of this process that it had not said. */
export interface GossipReborn extends GossipSubject {
  /** Its life from now on. */
  readonly life: number;
}

/** `quorate:gossip.failed`: the bus did not take a message. */
export interface GossipFailed extends GossipSubject {
  readonly code: ErrorCode | "UNKNOWN";
}

/** The channels, looked up once. */
export interface GossipEvents {
  readonly refused: EventChannel<GossipRefused>;
  readonly reborn: EventChannel<GossipReborn>;
  readonly failed: EventChannel<GossipFailed>;
}

/** Looks up the channels. */
export function gossipEvents(events: Events): GossipEvents {
  return {
    refused: events.channel("gossip.refused"),
    reborn: events.channel("gossip.reborn"),
    failed: events.channel("gossip.failed"),
  };
}
