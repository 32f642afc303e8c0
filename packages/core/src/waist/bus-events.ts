/**
 * What a bus tells observers, on the channel `bus`.
 *
 * A handler that rejects is the subscriber's defect, and must neither end its subscription nor
 * become an unhandled rejection: it becomes this event. The error is the handler's own, so a
 * listener that prints it prints whatever the handler put there.
 */
import type { Runtime } from "../runtime/runtime.ts";

/** A handler threw or rejected; the subscription goes on with the next message. */
export interface HandlerFailed {
  readonly kind: "handler-failed";
  /** Name of the backend. */
  readonly backend: string;
  /** Subject of the message, without the namespace. */
  readonly subject: string;
  readonly error: unknown;
}

/** Tells observers that a handler failed. Never throws. */
export function publishHandlerFailure(
  runtime: Pick<Runtime, "events">,
  failure: Omit<HandlerFailed, "kind">,
): void {
  const channel = runtime.events.channel<HandlerFailed>("bus");
  if (channel.hasSubscribers) channel.publish({ kind: "handler-failed", ...failure });
}

/** A subscriber could not keep up, and messages were dropped: the bus is at most once. */
export interface MessagesDropped {
  readonly kind: "messages-dropped";
  /** Name of the backend. */
  readonly backend: string;
  /** Subject of the last one dropped. */
  readonly subject: string;
  readonly count: number;
}

/** Tells observers that messages were dropped. Never throws. */
export function publishMessagesDropped(
  runtime: Pick<Runtime, "events">,
  dropped: Omit<MessagesDropped, "kind">,
): void {
  const channel = runtime.events.channel<MessagesDropped>("bus");
  if (channel.hasSubscribers) channel.publish({ kind: "messages-dropped", ...dropped });
}
