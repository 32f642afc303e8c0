/**
 * One subscription: its messages, handed to its handler one at a time.
 *
 * Guarantees: in order; no message after `close`, which waits for the handler at work; a handler
 * that throws is told as an event (`HandlerFailed`) and the next message comes all
 * the same. At most `MAX_UNHANDLED` wait; what comes above that is dropped and told as an event.
 */
import {
  type Deferred,
  deferred,
  type Message,
  type MessageHandler,
  publishHandlerFailure,
  publishMessagesDropped,
  type Runtime,
  type Subscription,
} from "@quorate/core";

const MAX_UNHANDLED = 10_000;
/** Publishers whose last number is remembered. */
const MAX_PUBLISHERS = 1_000;

/** A live subscription. */
export class BusSubscription implements Subscription {
  readonly subject: string;
  readonly #handler: MessageHandler;
  readonly #runtime: Pick<Runtime, "events">;
  readonly #unlisten: () => Promise<void>;
  readonly #waiting: Message[] = [];
  readonly #lastOf = new Map<string, number>();
  #working: Promise<void> | undefined;
  #closed: Deferred<void> | undefined;

  constructor(
    target: string,
    handler: MessageHandler,
    parts: { readonly runtime: Pick<Runtime, "events">; readonly unlisten: () => Promise<void> },
  ) {
    this.subject = target;
    this.#handler = handler;
    this.#runtime = parts.runtime;
    this.#unlisten = parts.unlisten;
  }

  /** True for the first copy of a publisher's message. */
  isNew(publisher: string, sequence: number): boolean {
    const last = this.#lastOf.get(publisher);
    if (last !== undefined && sequence <= last) return false;
    this.#lastOf.delete(publisher);
    this.#lastOf.set(publisher, sequence);
    if (this.#lastOf.size > MAX_PUBLISHERS) {
      for (const oldest of this.#lastOf.keys()) {
        this.#lastOf.delete(oldest);
        break;
      }
    }
    return true;
  }

  /** Takes a message. */
  take(message: Message): void {
    if (this.#closed !== undefined) return;
    if (this.#waiting.length >= MAX_UNHANDLED) {
      const { subject } = message;
      publishMessagesDropped(this.#runtime, { backend: "redis", subject, count: 1 });
      return;
    }
    this.#waiting.push(message);
    this.#working ??= this.#work();
  }

  async close(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed.promise;
    this.#closed = deferred();
    this.#waiting.length = 0;
    await this.#unlisten().catch(() => {});
    await this.#working;
    this.#closed.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #work(): Promise<void> {
    // Never in the turn of the push: `#working` must be set before it is cleared.
    await Promise.resolve();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#handler(next);
      } catch (error) {
        const { subject } = next;
        publishHandlerFailure(this.#runtime, { backend: "redis", subject, error });
      }
    }
    this.#working = undefined;
  }
}
