/**
 * A breaker's voice: tells listeners and channels, counts what it told, makes the errors.
 */
import type { EventChannel, Ms, QuorateError, Runtime } from "@quorate/core";

import {
  type BreakerChannels,
  breakerChannels,
  type BreakerEvents,
  type BreakerRejected,
  type BreakerState,
  type BreakerTransition,
} from "./breaker-events.ts";
import { Emitter, publish } from "./emitter.ts";
import { rejection } from "./rejection.ts";

const EVENT_OF: Readonly<Record<PhaseOrHeld, keyof BreakerEvents>> = {
  closed: "closed",
  open: "opened",
  "half-open": "halfOpened",
  ramping: "ramping",
  isolated: "isolated",
  "forced-closed": "forcedClosed",
};

type PhaseOrHeld = Exclude<BreakerState, "disposed">;

/** Why a call was not let through, for people. */
const CAUSES: Readonly<Record<BreakerRejected["state"], string>> = {
  open: "is open",
  "half-open": "is half-open, and its probes are under way",
  ramping: "lets calls back in step by step",
  isolated: "is held open by hand",
};

/** What one breaker says. */
export class BreakerVoice {
  readonly name: string;
  /** Calls that were not let through. */
  rejected = 0;
  /** Outcomes that came too late to count. */
  staleResults = 0;
  /** Times it opened by its own judgement, or by `trip()`. */
  opened = 0;
  readonly #runtime: Runtime;
  readonly #channels: BreakerChannels;
  #emitter: Emitter<BreakerEvents> | undefined = undefined;
  #isSilent = false;

  constructor(name: string, runtime: Runtime) {
    this.name = name;
    this.#runtime = runtime;
    this.#channels = breakerChannels(runtime);
  }

  on<K extends keyof BreakerEvents>(
    type: K,
    listener: (event: BreakerEvents[K]) => void,
  ): () => void {
    this.#emitter ??= new Emitter(this.#runtime);
    return this.#emitter.on(type, listener);
  }

  /** Nothing more is told. */
  fallSilent(): void {
    this.#isSilent = true;
    this.#emitter = undefined;
  }

  /** The state changed; `isRelease`: because a hand let go of it. */
  changed(told: Omit<BreakerTransition, "breaker">, isRelease = false): void {
    if (told.to === "open" && told.scope === "local" && told.reason !== "restored")
      this.opened += 1;
    const type = isRelease ? "released" : EVENT_OF[told.to as PhaseOrHeld];
    if (!this.#isHeard(type, this.#channels.transition.hasSubscribers)) return;
    this.#tell(type, this.#channels.transition, { breaker: this.name, ...told });
  }

  /** The error of a call that is not let through. */
  reject(state: BreakerRejected["state"], retryAfterMs: Ms | undefined): QuorateError {
    this.rejected += 1;
    if (this.#isHeard("rejected", this.#channels.rejected.hasSubscribers)) {
      const event = { breaker: this.name, state, retryAfterMs };
      this.#tell("rejected", this.#channels.rejected, event);
    }
    const cure = retryAfterMs === undefined ? "" : `; ask again in ${retryAfterMs} ms`;
    const message = `breaker "${this.name}" ${CAUSES[state]}${cure}`;
    return rejection("BREAKER_OPEN", message, {
      breaker: this.name,
      state,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  /** An outcome of an older state was dropped. */
  stale(state: BreakerState): void {
    if (this.#isSilent) return;
    this.staleResults += 1;
    if (!this.#isHeard("staleResult", this.#channels.staleResult.hasSubscribers)) return;
    this.#tell("staleResult", this.#channels.staleResult, { breaker: this.name, state });
  }

  #isHeard(type: keyof BreakerEvents, hasSubscribers: boolean): boolean {
    return !this.#isSilent && (hasSubscribers || this.#emitter?.hears(type) === true);
  }

  #tell<K extends keyof BreakerEvents>(
    type: K,
    channel: EventChannel<BreakerEvents[K] & object>,
    event: BreakerEvents[K],
  ): void {
    this.#emitter?.emit(type, event);
    publish(this.#runtime, "a breaker's channel", channel, () => event);
  }
}
