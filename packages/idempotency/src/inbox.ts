/**
 * The inbox: a message handler that is safe to be given a message twice.
 *
 * Brokers deliver at least once: after a lost acknowledgement, a rebalance or a restart a message
 * comes again. By its id it is handled once; a second delivery at the same time waits for the first
 * and is then done.
 *
 * Guarantees: of all deliveries of one id within `retentionMs`, one is handled to its end, however
 * many processes they come to. Does not guarantee that a handler which was paused beyond its lease
 * stops: pass `fencingToken` on, or write with `inTransaction`.
 */
import { callable, invalidArgument, knownOptions, type Ms, ttl } from "@quorate/core";
import type { WorkContext } from "./begun.ts";
import type { Idempotency } from "./idempotency.ts";
import { checkDefaults, type Concurrent, DEFAULT_TTL_MS, type OnError } from "./options.ts";

/** Options of `inbox`. */
export interface InboxOptions<M> {
  /** The message's id, given by its sender: the same for all deliveries of one message. */
  readonly id: (message: M) => string;
  /** Whose ids they are: the topic or the sender, where ids are unique only there. @default none */
  readonly scope?: (message: M) => string;
  /** The longest time after which the broker may deliver a message again. */
  readonly redeliveryHorizonMs: Ms;
  /** How long ids are remembered. @default a day, or the horizon where that is longer */
  readonly retentionMs?: Ms;
  /** As of `run`. @default 30000 */
  readonly leaseMs?: Ms;
  /** As of `run`: "reject" leaves the second delivery to the broker. @default "wait" */
  readonly concurrent?: Concurrent;
  /** As of `run`. @default "release": a message that failed is handled when it comes again */
  readonly onError?: OnError;
}

/**
 * `handler`, safe to be given a message twice. What it returns is not kept.
 *
 * @throws INVALID_ARGUMENT ids would be forgotten before the broker stops delivering again.
 *
 * @example
 * import { createIdempotency, inbox } from "@quorate/idempotency";
 * import { memoryBackend } from "@quorate/memory";
 * const seen: string[] = [];
 * const handle = inbox(
 *   createIdempotency(memoryBackend(), { name: "orders-inbox" }),
 *   (message: { id: string }) => void seen.push(message.id),
 *   { id: (message) => message.id, redeliveryHorizonMs: 3_600_000 },
 * );
 * await handle({ id: "m-1" });
 * await handle({ id: "m-1" });
 * console.log(seen.length); // => 1
 */
export function inbox<M>(
  idempotency: Idempotency,
  handler: (message: M, context: WorkContext) => unknown,
  options: InboxOptions<M>,
): (message: M) => Promise<void> {
  callable("handler", handler);
  knownOptions("options", options, [
    "id",
    "scope",
    "redeliveryHorizonMs",
    "retentionMs",
    "leaseMs",
    "concurrent",
    "onError",
  ]);
  const { id, scope, retentionMs, redeliveryHorizonMs, ...more } = options;
  callable("id", id);
  if (scope !== undefined) callable("scope", scope);
  const horizonMs = ttl("redeliveryHorizonMs", redeliveryHorizonMs);
  const ttlMs = ttl("retentionMs", retentionMs ?? Math.max(DEFAULT_TTL_MS, horizonMs));
  if (ttlMs < horizonMs) {
    throw invalidArgument("retentionMs", ttlMs, `at least redeliveryHorizonMs, ${horizonMs}`);
  }
  checkDefaults(more); // A mistake is told here, not at the first message.
  return async (message) => {
    const handle = async (context: WorkContext): Promise<void> => {
      await handler(message, context);
    };
    await idempotency.run(id(message), handle, { ttlMs, scope: scope?.(message), ...more });
  };
}
