/**
 * A member's mail: heartbeats to all, questions to one, and what comes of them.
 *
 * Nothing here rejects but opening: a message that the bus does not take is a fact for the machine,
 * not an error for a caller who does not exist. What arrives is read as a stranger's.
 */
import {
  type ErrorCode,
  isQuorateError,
  type Message,
  type MessageBus,
  type Ms,
  type Subscription,
} from "@quorate/core";
import { type HeartbeatMessage, type Identity, readMessage, writeMessage } from "./wire.ts";

/** What a question came to. */
export type Answer =
  | { readonly kind: "here"; readonly identity: Identity }
  /** Nobody listens under that name, or the one who was asked to ask heard nothing. */
  | { readonly kind: "silent" }
  | { readonly kind: "timeout" }
  | { readonly kind: "unsent"; readonly code: ErrorCode | "UNKNOWN" };

/** Why the bus did not take a message; `undefined`: it did. */
export type Failure = ErrorCode | "UNKNOWN" | undefined;

/** Receives what was read. */
export type Receive = (message: HeartbeatMessage, respond: Respond) => void;

/** Answers, if it was a question. Never rejects. */
export type Respond = (answer: HeartbeatMessage) => Promise<Failure>;

/** Whom mail is for. */
export interface Mailbox {
  readonly bus: MessageBus;
  /** Before the ends of subjects. */
  readonly subject: string;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  onUnreadable(reason: string): void;
}

/** Most heartbeats that the bus has been given and has not taken; further ones are not sent. */
const MAX_SENDING = 4;

/** One process's mail. */
export class Mail {
  readonly #box: Mailbox;
  readonly #subscriptions = new Map<"all" | "own", Subscription>();
  #sending = 0;

  constructor(box: Mailbox) {
    this.#box = box;
  }

  /** Hears what is said to all. @throws the bus's error */
  async hearAll(receive: Receive): Promise<void> {
    await this.#hear("all", "beats", receive);
  }

  /** Hears what is said to `id` alone. @throws the bus's error */
  async hearOwn(id: string, receive: Receive): Promise<void> {
    await this.#hear("own", `to/${id}`, receive);
  }

  /** Hears what is said to itself alone no more. */
  async closeOwn(): Promise<void> {
    const own = this.#subscriptions.get("own");
    this.#subscriptions.delete("own");
    await own?.close().catch(() => {});
  }

  /** Hears no more. */
  async close(): Promise<void> {
    const closing = [...this.#subscriptions.values()].map((subscription) => subscription.close());
    this.#subscriptions.clear();
    await Promise.allSettled(closing);
  }

  /** To all. */
  async tellAll(message: HeartbeatMessage): Promise<Failure> {
    if (this.#sending >= MAX_SENDING) return "STORE_UNAVAILABLE";
    this.#sending += 1;
    const failure = await this.#publish("beats", message);
    this.#sending -= 1;
    return failure;
  }

  /** To one. */
  tell(id: string, message: HeartbeatMessage): Promise<Failure> {
    return this.#publish(`to/${id}`, message);
  }

  /** Asks `id` whether `target` is there, itself or another. */
  async ask(id: string, target: string, timeoutMs: Ms): Promise<Answer> {
    const { bus, subject, signal } = this.#box;
    const question: HeartbeatMessage = id === target ? { kind: "ping" } : { kind: "ask", target };
    try {
      const options = { timeoutMs, signal };
      const { data } = await bus.request(`${subject}/to/${id}`, writeMessage(question), options);
      const read = readMessage(data);
      if (!read.ok) this.#box.onUnreadable(read.reason);
      else if (read.message.kind === "here" && read.message.id === target) {
        const { incarnation, life } = read.message;
        return { kind: "here", identity: { id: target, incarnation, life } };
      }
      return { kind: "silent" };
    } catch (error) {
      if (isQuorateError(error, "NO_RESPONDERS")) return { kind: "silent" };
      if (isQuorateError(error, "TIMEOUT")) return { kind: "timeout" };
      return { kind: "unsent", code: codeOf(error) };
    }
  }

  async #hear(which: "all" | "own", end: string, receive: Receive): Promise<void> {
    const { bus, subject, signal } = this.#box;
    const hear = (message: Message): void => {
      const read = readMessage(message.data);
      if (!read.ok) return this.#box.onUnreadable(read.reason);
      receive(read.message, (answer) => respondTo(message, answer));
    };
    const subscription = await bus.subscribe(`${subject}/${end}`, hear, { signal });
    this.#subscriptions.set(which, subscription);
  }

  async #publish(end: string, message: HeartbeatMessage): Promise<Failure> {
    try {
      await this.#box.bus.publish(`${this.#box.subject}/${end}`, writeMessage(message));
      return undefined;
    } catch (error) {
      return codeOf(error);
    }
  }
}

async function respondTo(message: Message, answer: HeartbeatMessage): Promise<Failure> {
  try {
    await message.respond?.(writeMessage(answer));
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): ErrorCode | "UNKNOWN" {
  return isQuorateError(error) ? error.code : "UNKNOWN";
}
