/**
 * What a membership tells observers: events on `runtime.events`, by default
 * `node:diagnostics_channel`.
 *
 * Names, numbers and reasons; never what a member says of itself. An event that nobody subscribes
 * to costs one property read.
 */
import type { ErrorCode, EventChannel, Events } from "@quorate/core";
import type { MemberChanged, MemberState } from "../membership.ts";

/** Which membership an event is about, and as whom this process takes part; empty: an onlooker. */
export interface MembershipSubject {
  readonly by: "heartbeats";
  readonly group: string;
  readonly self: string;
}

/** `quorate:membership.changed`: this process thinks something else of a member. */
export interface MembershipChanged extends MembershipSubject {
  readonly change: MemberChanged["kind"];
  readonly member: string;
  readonly incarnation: number;
  readonly state: MemberState;
}

/** `quorate:membership.conflict`: another living process is a member under this one's name. */
export interface MembershipConflict extends MembershipSubject {
  /** This one goes on, or stands aside for the one born later. */
  readonly outcome: "goes-on" | "stands-aside";
  readonly incarnation: number;
  readonly theirs: number;
}

/** Why a message counted for nothing. */
export type DropReason =
  /** Not one of ours: no JSON, another version, a field of the wrong type or size. */
  | "unreadable"
  /** Its numbers cannot be true: an incarnation of next week, a leap in the count of heartbeats. */
  | "implausible"
  /** Of an earlier life of its member. */
  | "outlived"
  /** Came twice, late, or after its member's goodbye. */
  | "repeated"
  /** Of a new member, while there are `maxMembers`. */
  | "full";

/** `quorate:membership.dropped`: a message that counted for nothing. */
export interface MembershipDropped extends MembershipSubject {
  readonly why: DropReason;
  /** More about it, for people; never the sender's own words. */
  readonly reason: string;
}

/** `quorate:membership.failed`: the bus did not take a message. Heartbeats go on. */
export interface MembershipFailed extends MembershipSubject {
  readonly operation: "beat" | "goodbye" | "ask" | "answer";
  readonly code: ErrorCode | "UNKNOWN";
}

/** The channels of one membership, looked up once. */
export interface MembershipEvents {
  readonly changed: EventChannel<MembershipChanged>;
  readonly conflict: EventChannel<MembershipConflict>;
  readonly dropped: EventChannel<MembershipDropped>;
  readonly failed: EventChannel<MembershipFailed>;
}

/** Looks up the channels. */
export function membershipEvents(events: Events): MembershipEvents {
  return {
    changed: events.channel("membership.changed"),
    conflict: events.channel("membership.conflict"),
    dropped: events.channel("membership.dropped"),
    failed: events.channel("membership.failed"),
  };
}
