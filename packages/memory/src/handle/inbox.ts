/**
 * A subscription's inbox: messages one at a time, in order, whatever the handler does.
 *
 * A handler that throws or rejects is the subscriber's defect: it becomes an event, and the next
 * message is handled. The inbox is bounded: the bus promises at most once, so a subscriber that
 * cannot keep up loses the newest messages rather than the process its memory; that is an event
 * too.
 */
import {
  type Message,
  type MessageHandler,
  type MessagesDropped,
  publishHandlerFailure,
  publishMessagesDropped,
  type Runtime,
} from "@quorate/core";

/** Messages that wait for a handler at most. */
export const MAX_INBOX = 8_192;

/** Messages on their way to one handler. */
export class Inbox {
  readonly #runtime: Runtime;
  readonly #handler: MessageHandler;
  #messages: Message[] = [];
  #working: Promise<void> | undefined;
  #isClosed = false;

  constructor(runtime: Runtime, handler: MessageHandler) {
    this.#runtime = runtime;
    this.#handler = handler;
  }

  /** Takes a message; the handler runs later, never in this turn's stack. */
  take(message: Message): void {
    if (this.#isClosed) return;
    if (this.#messages.length >= MAX_INBOX) {
      const dropped: Omit<MessagesDropped, "kind"> = {
        backend: "memory",
        subject: message.subject,
        count: 1,
      };
      return publishMessagesDropped(this.#runtime, dropped);
    }
    this.#messages.push(message);
    this.#working ??= this.#work();
  }

  /** No more messages; resolves when the one at work has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#messages = [];
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let batch = this.#drain(); batch.length > 0; batch = this.#drain()) {
      for (const message of batch) if (!this.#isClosed) await this.#handle(message);
    }
    this.#working = undefined;
  }

  /** Taken as a whole: shifting one by one from a long array is slow. */
  #drain(): Message[] {
    const batch = this.#messages;
    this.#messages = [];
    return batch;
  }

  async #handle(message: Message): Promise<void> {
    try {
      await this.#handler(message);
    } catch (error) {
      const { subject } = message;
      publishHandlerFailure(this.#runtime, { backend: "memory", subject, error });
    }
  }
}
