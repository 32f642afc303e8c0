/**
 * Where a relay takes messages to.
 *
 * A target says that it has taken a message by resolving, and that it has not by rejecting; what
 * the error says of its effect decides whether that counts against the message. Nothing that
 * merely sent is a target: a message that nobody answers for is not delivered.
 */
import { callable, type FencingToken, invalidArgument } from "@quorate/core";

import type { OutboxMessage } from "./message.ts";

/** What a delivery is told besides its message. */
export interface DeliveryContext {
  /** Of the partition's lease: greater than that of every relay before. For a guarded target. */
  readonly fencingToken: FencingToken;
  readonly partition: number;
  /** Failed deliveries of this message before, and one. Some may have reached the consumer. */
  readonly attempt: number;
  /** Aborts when the delivery has taken too long, or the partition is not this relay's any more. */
  readonly signal: AbortSignal;
}

/** Delivers a message: resolves when it was taken. */
export type Publish = (message: OutboxMessage, context: DeliveryContext) => PromiseLike<unknown>;

/** Something that delivers. */
export interface RelayTarget {
  readonly publish: Publish;
}

/** The function behind a target. @throws INVALID_ARGUMENT */
export function publishOf(to: RelayTarget | Publish): Publish {
  if (typeof to === "function") return to;
  if (typeof to !== "object" || to === null) {
    throw invalidArgument("to", to, "busTarget(bus), or a function that publishes");
  }
  return callable("to.publish", to.publish).bind(to);
}
