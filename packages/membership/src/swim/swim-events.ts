/**
 * What a SWIM member tells observers: events on `runtime.events`, by default
 * `node:diagnostics_channel`.
 *
 * Names, numbers and reasons; never what a member says of itself, never a secret. An event that
 * nobody subscribes to costs one property read.
 */
import type { ErrorCode, EventChannel, Events, Ms } from "@quorate/core";
import type { MemberChanged, MemberState } from "../membership.ts";
import type { PacketRefusal } from "./packet.ts";

/** Which member an event is about. */
export interface SwimSubject {
  /** Name of the group. */
  readonly group: string;
  /** Name of the member that tells. */
  readonly self: string;
}

/** `quorate:swim.changed`: this member thinks something else of another. */
export interface SwimChanged extends SwimSubject {
  /** What happened to it. */
  readonly change: MemberChanged["kind"];
  /** Which member. */
  readonly member: string;
  /** Its incarnation, as far as is known. */
  readonly incarnation: number;
  /** What it is held for now. */
  readonly state: MemberState;
}

/** Why a packet, or a piece of news in one, counted for nothing. */
export type SwimRefusal =
  | PacketRefusal
  /** An incarnation further in the future than clocks differ. */
  | "incarnation"
  /** Of a new member, while there are `maxMembers`. */
  | "room";

/** `quorate:swim.refused`: something came that counted for nothing. */
export interface SwimRefused extends SwimSubject {
  /** The reason. */
  readonly why: SwimRefusal;
}

/** `quorate:swim.accused`: others suspected this member, and it has refuted. */
export interface SwimAccused extends SwimSubject {
  /** The one by which it has refuted. */
  readonly incarnation: number;
  /** 0, in good health, to 7. */
  readonly health: number;
}

/** `quorate:swim.paused`: this process stood still; it accuses nobody for that time. */
export interface SwimPaused extends SwimSubject {
  /** How much later than asked for it woke. */
  readonly lateMs: Ms;
}

/** `quorate:swim.conflict`: a younger process has this name; this one has stopped. */
export interface SwimConflict extends SwimSubject {
  /** Where the younger one is. */
  readonly address: string;
}

/** `quorate:swim.failed`: a packet was not sent, the incarnation not kept. It goes on. */
export interface SwimFailed extends SwimSubject {
  /** What failed: a packet, the store's `save`, or closing the transport. */
  readonly operation: "send" | "save" | "close";
  /** Of the error, if it was one of ours. */
  readonly code: ErrorCode | "UNKNOWN";
}

/** The channels of one member, looked up once. */
export interface SwimEvents {
  readonly changed: EventChannel<SwimChanged>;
  readonly refused: EventChannel<SwimRefused>;
  readonly accused: EventChannel<SwimAccused>;
  readonly paused: EventChannel<SwimPaused>;
  readonly conflict: EventChannel<SwimConflict>;
  readonly failed: EventChannel<SwimFailed>;
}

/** Looks up the channels. */
export function swimEvents(events: Events): SwimEvents {
  return {
    changed: events.channel("swim.changed"),
    refused: events.channel("swim.refused"),
    accused: events.channel("swim.accused"),
    paused: events.channel("swim.paused"),
    conflict: events.channel("swim.conflict"),
    failed: events.channel("swim.failed"),
  };
}
