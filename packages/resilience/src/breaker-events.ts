/**
 * What a breaker tells: typed events for its owner, channels for everybody.
 *
 * Each is told after the machine has settled, so a listener finds the breaker in the state that it
 * is told of, and can change nothing about the call that caused it.
 */
import type { EventChannel, Ms, Runtime } from "@quorate/core";

import type { PhaseKind, TransitionReason } from "./breaker-machine.ts";
import type { Tally } from "./fleet.ts";

/** State of a breaker, seen from outside. */
export type BreakerState = PhaseKind | "isolated" | "forced-closed" | "disposed";

/** The breaker went from one state to another. */
export interface BreakerTransition {
  readonly breaker: string;
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: TransitionReason;
  /** Whose state: this breaker's own, or the fleet's. */
  readonly scope: "local" | "fleet";
  /** Until the next change that time alone brings; undefined: there is none. */
  readonly forMs: Ms | undefined;
  /** What was in the window. */
  readonly tally: Tally;
}

/** A call was not let through. */
export interface BreakerRejected {
  readonly breaker: string;
  readonly state: "open" | "half-open" | "ramping" | "isolated";
  readonly retryAfterMs: Ms | undefined;
}

/** The outcome of a call that an older state had let in was not counted. */
export interface BreakerStaleResult {
  readonly breaker: string;
  readonly state: BreakerState;
}

/** Events of a breaker, for `breaker.on`. */
export interface BreakerEvents {
  /** Now open: calls are rejected. */
  readonly opened: BreakerTransition;
  /** Now half-open; told by the first call that comes after the open time. */
  readonly halfOpened: BreakerTransition;
  /** Now ramping: calls are let back in. */
  readonly ramping: BreakerTransition;
  /** Now closed; after a ramp told by the first call that comes after it. */
  readonly closed: BreakerTransition;
  /** Now held open by hand. */
  readonly isolated: BreakerTransition;
  /** Now held closed by hand. */
  readonly forcedClosed: BreakerTransition;
  /** No longer held by hand. */
  readonly released: BreakerTransition;
  /** A call was not let through. */
  readonly rejected: BreakerRejected;
  /** An outcome came too late to count. */
  readonly staleResult: BreakerStaleResult;
}

/** Channels of all breakers of a runtime. */
export interface BreakerChannels {
  /** `quorate:breaker.transition`. */
  readonly transition: EventChannel<BreakerTransition>;
  /** `quorate:breaker.rejected`. */
  readonly rejected: EventChannel<BreakerRejected>;
  /** `quorate:breaker.stale-result`. */
  readonly staleResult: EventChannel<BreakerStaleResult>;
}

const byRuntime = new WeakMap<Runtime, BreakerChannels>();

/** The channels of `runtime`, looked up once. */
export function breakerChannels(runtime: Runtime): BreakerChannels {
  let channels = byRuntime.get(runtime);
  if (channels === undefined) {
    channels = {
      transition: runtime.events.channel("breaker.transition"),
      rejected: runtime.events.channel("breaker.rejected"),
      staleResult: runtime.events.channel("breaker.stale-result"),
    };
    byRuntime.set(runtime, channels);
  }
  return channels;
}
