/**
 * What elections without a store tell the world: events on `runtime.events`.
 *
 * Names and numbers only. An event that nobody subscribes to costs one property read.
 */
import type { ErrorCode, EventChannel, Events } from "@quorate/core";

/** Which election an event is about, and as whom this process takes part in it. */
export interface HintSubject {
  readonly algorithm: "bully" | "ring";
  readonly election: string;
  readonly self: string;
}

/** `quorate:hint.changed`: this member takes another for the leader, or nobody. */
export interface HintChanged extends HintSubject {
  readonly leader: string | undefined;
  readonly epoch: number | undefined;
}

/** `quorate:hint.ignored`: a message or a list of members that could not be used. */
export interface HintIgnored extends HintSubject {
  /** `stranger`: of an id that is no member's. `members`: the provider's list was bad. */
  readonly why: "unreadable" | "stranger" | "members";
  /** More about it, for people; never the sender's own words. */
  readonly reason: string;
}

/** `quorate:hint.namesake`: another living process has this id. The one born later goes on. */
export interface HintNamesake extends HintSubject {
  /** Whether this one holds back until the other is heard no more. */
  readonly abstains: boolean;
}

/** `quorate:hint.failed`: the bus did not take a message, or the store granted no epoch. */
export interface HintFailed extends HintSubject {
  readonly operation: "publish" | "claim";
  readonly code: ErrorCode | "UNKNOWN";
}

/** The channels of one election, looked up once. */
export interface HintEvents {
  readonly changed: EventChannel<HintChanged>;
  readonly ignored: EventChannel<HintIgnored>;
  readonly namesake: EventChannel<HintNamesake>;
  readonly failed: EventChannel<HintFailed>;
}

/** Looks up the channels. */
export function hintEvents(events: Events): HintEvents {
  return {
    changed: events.channel("hint.changed"),
    ignored: events.channel("hint.ignored"),
    namesake: events.channel("hint.namesake"),
    failed: events.channel("hint.failed"),
  };
}
