/**
 * What a membership by leases tells observers: events on `runtime.events`, by default
 * `node:diagnostics_channel`. Names and numbers only, never what a member says of itself.
 */
import type { ErrorCode, EventChannel, Events, FencingToken, LossReason, Ms } from "@quorate/core";
import type { MemberChanged, MemberState } from "../membership.ts";

/** Which membership an event is about, and as whom this process takes part; empty: an onlooker. */
export interface LeaseMemberSubject {
  readonly by: "leases";
  readonly group: string;
  readonly self: string;
}

/** `quorate:membership.changed`: this process thinks something else of a member. */
export interface LeaseMemberChanged extends LeaseMemberSubject {
  readonly change: MemberChanged["kind"];
  readonly member: string;
  readonly incarnation: number;
  readonly state: MemberState;
}

/** `quorate:membership.lost`: this member's lease is over, and it asks for a new one. */
export interface MemberLeaseLost extends LeaseMemberSubject {
  readonly incarnation: FencingToken;
  readonly reason: LossReason;
}

/** `quorate:membership.name-taken`: another holds this member's name. It goes on asking. */
export interface MemberNameTaken extends LeaseMemberSubject {
  /** How long the name has been refused. */
  readonly forMs: Ms;
}

/** A call of the store that a membership makes. */
export type FailedOperation = "claim" | "renew" | "watch";

/** `quorate:membership.failed`: a call of the store failed; it is made again. */
export interface LeaseMembershipFailed extends LeaseMemberSubject {
  readonly operation: FailedOperation;
  readonly code: ErrorCode | "UNKNOWN";
  /** In a row. */
  readonly failures: number;
}

/** `quorate:membership.record-invalid`: a lease of the group says what no member of ours does. */
export interface MemberRecordInvalid extends LeaseMemberSubject {
  readonly lease: string;
  readonly reason: string;
}

/** The channels of memberships by leases, looked up once. */
export interface LeaseMemberEvents {
  readonly changed: EventChannel<LeaseMemberChanged>;
  readonly lost: EventChannel<MemberLeaseLost>;
  readonly nameTaken: EventChannel<MemberNameTaken>;
  readonly failed: EventChannel<LeaseMembershipFailed>;
  readonly recordInvalid: EventChannel<MemberRecordInvalid>;
}

/** Looks up the channels. */
export function leaseMemberEvents(events: Events): LeaseMemberEvents {
  return {
    changed: events.channel("membership.changed"),
    lost: events.channel("membership.lost"),
    nameTaken: events.channel("membership.name-taken"),
    failed: events.channel("membership.failed"),
    recordInvalid: events.channel("membership.record-invalid"),
  };
}
