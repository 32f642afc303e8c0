/**
 * What a client tells the world: events on `runtime.events`, by default
 * `node:diagnostics_channel`. Names and numbers, never an input or an output.
 */
import type { Effect, EventChannel, Events, Ms } from "@quorate/core";

/** `quorate:rpc.called`: a call has settled. */
export interface CalledEvent {
  readonly service: string;
  readonly method: string;
  /** This life of the client. */
  readonly client: string;
  /** `ok`, the code of the error, or `error` for what is none of ours. */
  readonly outcome: string;
  /** Whether it happened; `undefined`: the error does not say. */
  readonly effect: Effect | undefined;
  /** From the call to its end, with all attempts. */
  readonly tookMs: Ms;
  readonly attempts: number;
}

/** The channels of a client, looked up once. */
export interface ClientChannels {
  readonly called: EventChannel<CalledEvent>;
}

/** The channels on `events`. */
export function clientChannels(events: Events): ClientChannels {
  return { called: events.channel("rpc.called") };
}
