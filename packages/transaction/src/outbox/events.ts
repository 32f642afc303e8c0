/**
 * What outboxes and relays tell the world: events on `runtime.events`, by default
 * `node:diagnostics_channel`. Ids, topics, keys and numbers only, never a payload.
 */
import type { EventChannel, Events, FencingToken, Ms } from "@quorate/core";

/** Which message an event is about. */
interface Subject {
  readonly outbox: string;
  readonly id: string;
  readonly topic: string;
  readonly key: string;
}

/** `quorate:outbox.claimed` and `.released`: a relay serves a partition, or no longer does. */
export interface OutboxPartitionEvent {
  readonly outbox: string;
  readonly partition: number;
  readonly fencingToken: FencingToken;
}

/** `quorate:outbox.delivered`: the target has taken it. */
export interface OutboxDeliveredEvent extends Subject {
  /** From its storing to now, by wall clocks. */
  readonly ageMs: Ms;
}

/** `quorate:outbox.failed`: it was not taken, and will be tried again. */
export interface OutboxFailedEvent extends Subject {
  /** False: it did not reach anybody, which does not count against the message. */
  readonly counted: boolean;
  readonly attempts: number;
  readonly problem: string;
  readonly retryInMs: Ms;
}

/** `quorate:outbox.dead`: given up, and kept for an operator. */
export interface OutboxDeadEvent extends Subject {
  readonly attempts: number;
  readonly problem: string;
}

/** `quorate:outbox.redriven` and `.dropped`: the audit of an operator's verbs. */
export interface OutboxVerbEvent extends Subject {
  readonly by: string;
  readonly why: string;
}

/** `quorate:outbox.lag`: how far behind a partition is; told as often as leases are looked at. */
export interface OutboxLagEvent {
  readonly outbox: string;
  readonly partition: number;
  readonly pending: number;
  /** Age of the oldest message, by wall clocks; 0: none waits. */
  readonly lagMs: Ms;
}

/** `quorate:outbox.record-invalid`: something that is not ours lies there. It was left as it is. */
export interface OutboxRecordInvalidEvent {
  readonly outbox: string;
  readonly key: string;
  readonly reason: string;
}

/** `quorate:outbox.trouble`: an upkeep call failed; it is tried again. */
export interface OutboxTroubleEvent {
  readonly outbox: string;
  readonly doing: "claim" | "watch" | "scan" | "read" | "settle" | "check" | "lag";
  readonly problem: string;
}

/** `quorate:outbox.checked`: a prepared message was asked about and decided. */
export interface OutboxCheckedEvent {
  readonly outbox: string;
  readonly id: string;
  readonly decision: "submitted" | "dropped";
}

/** The channels, looked up once. */
export interface OutboxEvents {
  readonly claimed: EventChannel<OutboxPartitionEvent>;
  readonly released: EventChannel<OutboxPartitionEvent>;
  readonly delivered: EventChannel<OutboxDeliveredEvent>;
  readonly failed: EventChannel<OutboxFailedEvent>;
  readonly dead: EventChannel<OutboxDeadEvent>;
  readonly redriven: EventChannel<OutboxVerbEvent>;
  readonly dropped: EventChannel<OutboxVerbEvent>;
  readonly lag: EventChannel<OutboxLagEvent>;
  readonly recordInvalid: EventChannel<OutboxRecordInvalidEvent>;
  readonly trouble: EventChannel<OutboxTroubleEvent>;
  readonly checked: EventChannel<OutboxCheckedEvent>;
}

/** Looks up the channels. */
export function outboxEvents(events: Events): OutboxEvents {
  return {
    claimed: events.channel("outbox.claimed"),
    released: events.channel("outbox.released"),
    delivered: events.channel("outbox.delivered"),
    failed: events.channel("outbox.failed"),
    dead: events.channel("outbox.dead"),
    redriven: events.channel("outbox.redriven"),
    dropped: events.channel("outbox.dropped"),
    lag: events.channel("outbox.lag"),
    recordInvalid: events.channel("outbox.record-invalid"),
    trouble: events.channel("outbox.trouble"),
    checked: events.channel("outbox.checked"),
  };
}
