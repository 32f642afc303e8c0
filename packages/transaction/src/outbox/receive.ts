/**
 * The consumer's side of `busTarget`: messages come, a handler works, its end is the answer.
 *
 * Guarantees: a message is acknowledged only after its handler has resolved, so one whose consumer
 * died meanwhile is delivered again. Does not guarantee: once. A handler that took longer than the
 * relay waited, or whose answer was lost, is given the same message again, at times beside itself:
 * wrap it in `inbox()` of `@quorate/idempotency`, by `message.id`.
 */
import {
  callable,
  effectOf,
  invalidArgument,
  isQuorateError,
  knownOptions,
  type Message,
  type MessageBus,
  positiveInteger,
  type Subscription,
} from "@quorate/core";

import { type Answer, answerHeaders, readMessage, type ReceivedMessage } from "./envelope.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "./message.ts";

/** Options of `receive`. */
export interface ReceiveOptions {
  /** Processes of one service name the same queue, and share its messages. @default "outbox" */
  readonly queue?: string;
  /** Handlers at work at once. The relay keeps the order of a key whatever this is. @default 16 */
  readonly concurrency?: number;
  /** Longest payload read. @default 65536 */
  readonly maxMessageBytes?: number;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Handles messages of `topic` (a subject, or a prefix ending in `/`) that a relay delivers by
 * `busTarget`. Resolves once the server knows of the subscription.
 *
 * A handler that throws `refuse(reason)` says no for good: the message becomes a dead letter at
 * once. An error that says that nothing happened and may be repeated (`STORE_UNAVAILABLE`) does not
 * count against the message; any other does. Of the error only its name and code are told.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { receive } from "@quorate/transaction";
 * const { bus } = memoryBackend();
 * await using subscription = await receive(bus, "order.placed", async ({ id, payload }) => {
 *   console.log(id, payload);
 * });
 */
export async function receive(
  bus: MessageBus,
  topic: string,
  handler: (message: ReceivedMessage) => unknown,
  options: ReceiveOptions = {},
): Promise<Subscription> {
  if (typeof bus?.subscribe !== "function") throw invalidArgument("bus", bus, "a backend's bus");
  callable("handler", handler);
  knownOptions("options", options, ["queue", "concurrency", "maxMessageBytes", "signal"]);
  const most = positiveInteger("concurrency", options.concurrency ?? 16);
  const maxBytes = positiveInteger(
    "maxMessageBytes",
    options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
  );
  const working = new Set<Promise<void>>();
  const subscription = await bus.subscribe(
    topic,
    async (arrived) => {
      const work = handle(arrived, handler, maxBytes).finally(() => working.delete(work));
      working.add(work);
      // The bus hands over one at a time: not returning is what holds the next one back.
      if (working.size >= most) await Promise.race(working);
    },
    { queue: options.queue ?? "outbox", signal: options.signal },
  );
  const close = async (): Promise<void> => {
    await subscription.close();
    await Promise.allSettled(working);
  };
  return { subject: subscription.subject, close, [Symbol.asyncDispose]: close };
}

async function handle(
  arrived: Message,
  handler: (message: ReceivedMessage) => unknown,
  maxBytes: number,
): Promise<void> {
  const answer = await answerOf(arrived, handler, maxBytes);
  const headers = answerHeaders(answer);
  // A lost answer is a delivery that is repeated: nothing to do here.
  await arrived.respond?.(new Uint8Array(), { headers }).catch(() => {});
}

async function answerOf(
  arrived: Message,
  handler: (message: ReceivedMessage) => unknown,
  maxBytes: number,
): Promise<Answer> {
  const read = readMessage(arrived, maxBytes);
  if (!read.ok) return { outcome: "refused", reason: `not a message of an outbox: ${read.reason}` };
  try {
    await handler(read.message);
    return { outcome: "taken" };
  } catch (error) {
    if (isQuorateError(error, "REFUSED")) {
      return { outcome: "refused", reason: error.details.reason };
    }
    const isBusy = effectOf(error) === "none" && (!isQuorateError(error) || error.retryable);
    return { outcome: isBusy ? "busy" : "failed", reason: nameOf(error) };
  }
}

/** Name and code, not the message: a consumer's errors may quote what nobody else should read. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code: unknown = (error as { code?: unknown }).code;
  return typeof code === "string" ? `${error.name} ${code}` : error.name;
}
