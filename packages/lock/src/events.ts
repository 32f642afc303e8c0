/**
 * What locks tell the world: events on `runtime.events`, by default `node:diagnostics_channel`.
 *
 * Names and numbers only, never a label or a payload. An event that nobody subscribes to costs one
 * property read: the object is made behind the guard.
 */
import type { ErrorCode, EventChannel, Events, LossReason, Ms } from "@quorate/core";
import type { LockKind } from "./target.ts";

/** Which lock an event is about. */
export interface LockSubject {
  readonly kind: LockKind;
  readonly key: string;
}

/** `quorate:lock.waiting`: a claim was sent that may stand in line. */
export interface LockWaiting extends LockSubject {
  readonly waitMs: Ms;
}

/** `quorate:lock.granted`. */
export interface LockGranted extends LockSubject {
  readonly fencingToken: number;
  readonly ttlMs: Ms;
  /** From the call to the grant. */
  readonly waitedMs: Ms;
}

/** `quorate:lock.refused`: a claim came to nothing. */
export interface LockRefused extends LockSubject {
  /** From the call to its end. */
  readonly waitedMs: Ms;
  /**
   * `held`: by others, for as long as it waited; `behind`: free, with a token that is not above
   * `aboveToken`; `aborted`: the caller gave up, or the process closes; else the store's error.
   */
  readonly why: "held" | "behind" | "aborted" | ErrorCode | "UNKNOWN";
}

/** `quorate:lock.lost`: the holder was told so at this moment. */
export interface LockLost extends LockSubject {
  readonly fencingToken: number;
  readonly reason: LossReason;
}

/** `quorate:lock.released`; `expired`: it had ended by itself. */
export interface LockReleased extends LockSubject {
  readonly fencingToken: number;
  readonly answer: "released" | "expired";
}

/** `quorate:lock.renewal-failed`: one try; others follow until the leases end. */
export interface RenewalFailed {
  /** Leases of the failed call. */
  readonly leases: number;
  readonly code: ErrorCode | "UNKNOWN";
  /** Least time left among them. */
  readonly leftMs: Ms;
}

/** The channels of one `Locks`, looked up once. */
export interface LockEvents {
  readonly refused: EventChannel<LockRefused>;
  readonly waiting: EventChannel<LockWaiting>;
  readonly granted: EventChannel<LockGranted>;
  readonly lost: EventChannel<LockLost>;
  readonly released: EventChannel<LockReleased>;
  readonly renewalFailed: EventChannel<RenewalFailed>;
}

/** Looks up the channels. */
export function lockEvents(events: Events): LockEvents {
  return {
    refused: events.channel("lock.refused"),
    waiting: events.channel("lock.waiting"),
    granted: events.channel("lock.granted"),
    lost: events.channel("lock.lost"),
    released: events.channel("lock.released"),
    renewalFailed: events.channel("lock.renewal-failed"),
  };
}
