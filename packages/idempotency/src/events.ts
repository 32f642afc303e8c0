/**
 * What idempotent calls tell the world: events on `runtime.events`, by default
 * `node:diagnostics_channel`.
 *
 * Keys, names and numbers only, never a request or an answer. An event that nobody subscribes to
 * costs one property read: the object is made behind the guard.
 */
import type { ErrorCode, EventChannel, Events, FencingToken, Ms } from "@quorate/core";

/** Whose call an event is about. */
interface Subject {
  readonly key: string;
  readonly scope: string | undefined;
}

/** `quorate:idempotency.claimed`: a run begins. */
export interface ClaimedEvent extends Subject {
  readonly fencingToken: FencingToken;
  readonly attempt: number;
  readonly takeover: boolean;
}

/** `quorate:idempotency.ended`: a run has ended; `answered`: with an answer that is stored. */
export interface EndedEvent extends Subject {
  readonly fencingToken: FencingToken;
  readonly how: "answered" | "released" | "discarded" | "held" | "not-stored";
}

/** `quorate:idempotency.replayed`: a repeat was given an answer. */
export interface ReplayedEvent extends Subject {
  /** `joined`: it waited for a run of this process. */
  readonly from: "store" | "cache" | "joined";
}

/** `quorate:idempotency.superseded`: a run was told that it is not the key's any more. */
export interface SupersededEvent extends Subject {
  readonly fencingToken: FencingToken;
  readonly why: string;
}

/** `quorate:idempotency.mismatch`: a key was used with another request. */
export type MismatchEvent = Subject;

/** `quorate:idempotency.forgotten`: the audit of `forget`. */
export interface ForgottenEvent extends Subject {
  readonly by: string;
  readonly why: string;
  /** What was removed. */
  readonly state: string;
  readonly fencingToken: FencingToken;
}

/** `quorate:idempotency.renewal-failed`: one try; others follow until the lease ends. */
export interface RenewalFailedEvent extends Subject {
  readonly fencingToken: FencingToken;
  readonly code: ErrorCode | "UNKNOWN";
  readonly leaseLeftMs: Ms;
}

/** The channels of one `Idempotency`, looked up once. */
export interface IdempotencyEvents {
  readonly claimed: EventChannel<ClaimedEvent>;
  readonly ended: EventChannel<EndedEvent>;
  readonly replayed: EventChannel<ReplayedEvent>;
  readonly superseded: EventChannel<SupersededEvent>;
  readonly mismatch: EventChannel<MismatchEvent>;
  readonly forgotten: EventChannel<ForgottenEvent>;
  readonly renewalFailed: EventChannel<RenewalFailedEvent>;
}

/** Looks up the channels. */
export function idempotencyEvents(events: Events): IdempotencyEvents {
  return {
    claimed: events.channel("idempotency.claimed"),
    ended: events.channel("idempotency.ended"),
    replayed: events.channel("idempotency.replayed"),
    superseded: events.channel("idempotency.superseded"),
    mismatch: events.channel("idempotency.mismatch"),
    forgotten: events.channel("idempotency.forgotten"),
    renewalFailed: events.channel("idempotency.renewal-failed"),
  };
}
