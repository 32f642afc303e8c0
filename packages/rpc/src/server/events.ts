/**
 * What a server tells the world: events on `runtime.events`, by default
 * `node:diagnostics_channel`. Names and numbers, never an input or an output; `error` is the
 * handler's own, so a listener that prints it prints what the handler put there.
 */
import type { Effect, EventChannel, Events, Ms, WorkBegins } from "@quorate/core";

/** Which call an event is about. */
export interface ServedSubject {
  readonly service: string;
  readonly method: string;
  readonly instance: string;
  readonly client: string;
  readonly id: number;
}

/**
 * `quorate:rpc.serving`: a call has arrived, and is about to be admitted or refused; its handler
 * runs within what a tracer wraps around it. Of a stream: the handler, not its later items.
 */
export interface ServingEvent extends ServedSubject, WorkBegins {}

/** `quorate:rpc.served`: a call has ended and was answered. */
export interface ServedEvent extends ServedSubject {
  /** `ok`, or the code of the failure that the caller was told. */
  readonly outcome: string;
  /** Whether it happened, as the caller was told. */
  readonly effect: Effect;
  /** From arrival to answer. */
  readonly tookMs: Ms;
}

/** `quorate:rpc.handler-failed`: a handler threw what its contract does not know. */
export interface HandlerFailedEvent {
  readonly service: string;
  readonly method: string;
  readonly instance: string;
  readonly error: unknown;
}

/** Why a message was not run. */
export type DroppedReason =
  /** No message of this version. */
  | "unreadable"
  /** Its time had ended before it came. */
  | "expired"
  /** It was here before. */
  | "duplicate";

/** `quorate:rpc.dropped`: a message was not run. */
export interface DroppedEvent {
  readonly service: string;
  readonly instance: string;
  readonly reason: DroppedReason;
  /** Empty where it could not be read. */
  readonly method: string;
}

/** The channels of a server, looked up once. */
export interface ServerChannels {
  readonly serving: EventChannel<ServingEvent>;
  readonly served: EventChannel<ServedEvent>;
  readonly failed: EventChannel<HandlerFailedEvent>;
  readonly dropped: EventChannel<DroppedEvent>;
}

/** The channels on `events`. */
export function serverChannels(events: Events): ServerChannels {
  return {
    serving: events.channel("rpc.serving"),
    served: events.channel("rpc.served"),
    failed: events.channel("rpc.handler-failed"),
    dropped: events.channel("rpc.dropped"),
  };
}
