/**
 * What a client tells the world: events on `runtime.events`, by default
 * `node:diagnostics_channel`. Names and numbers, never an input or an output.
 */
import type { CallLeaves, Effect, EventChannel, Events, Ms } from "@quorate/core";

/** Which call an event is about. */
export interface CallSubject {
  readonly service: string;
  readonly method: string;
  /** This life of the client. */
  readonly client: string;
  /** The client's count of calls: with `client` it names the call. */
  readonly call: number;
}

/** `quorate:rpc.calling`: a call is about to be sent; a tracer gives it the context it carries. */
export interface CallingEvent extends CallSubject, CallLeaves {}

/** `quorate:rpc.called`: a call has settled. */
export interface CalledEvent extends CallSubject {
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
  readonly calling: EventChannel<CallingEvent>;
  readonly called: EventChannel<CalledEvent>;
}

/** The channels on `events`. */
export function clientChannels(events: Events): ClientChannels {
  return { calling: events.channel("rpc.calling"), called: events.channel("rpc.called") };
}
