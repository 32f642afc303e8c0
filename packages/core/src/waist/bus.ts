/**
 * bus: publish, subscribe, request and reply. At most once, in order per publisher and subject,
 * and it says at once when nobody listens.
 *
 * Subjects are names (see `checkName`); a subscription takes one subject, or a prefix ending in
 * `/` for everything below it. There are no other wildcards: `*` is a character like any other.
 *
 * Does not guarantee delivery. What must arrive belongs in kv, or in a log.
 */
import type { Ms } from "./common.ts";

/** Small facts beside a message: names of `[a-z0-9-]`, 1 to 64; values at most 1024 bytes. */
export type MessageHeaders = Readonly<Record<string, string>>;

/** Options of a publication. */
export interface PublishOptions {
  /** At most 32. */
  readonly headers?: MessageHeaders;
  readonly signal?: AbortSignal | undefined;
}

/** Options of a request. */
export interface RequestOptions extends PublishOptions {
  readonly timeoutMs: Ms;
}

/** A message that arrived. */
export interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Null prototype; empty where there are none. */
  readonly headers: MessageHeaders;
  /** Answers a request; absent on a plain publication. The first answer counts. */
  readonly respond?: (data: Uint8Array, options?: PublishOptions) => Promise<void>;
}

/** Options of a subscription. */
export interface SubscribeOptions {
  /** Members of one queue share its messages: each goes to one of them. A name, one segment. */
  readonly queue?: string;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
}

/** A live subscription. */
export interface Subscription extends AsyncDisposable {
  readonly subject: string;
  /** No more messages; resolves when handlers at work have ended. Twice is fine. */
  close(): Promise<void>;
}

/** Receives messages one at a time; a rejection is published as an event, and loses nothing. */
export type MessageHandler = (message: Message) => void | Promise<void>;

/** Messages between processes. */
export interface MessageBus {
  /**
   * Hands a message to the engine.
   *
   * @throws STORE_UNAVAILABLE the link is down; nothing was sent.
   */
  publish(subject: string, data: Uint8Array, options?: PublishOptions): Promise<void>;

  /** Resolves once the server knows of the subscription. Survives reconnects. */
  subscribe(
    target: string,
    handler: MessageHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription>;

  /**
   * One question, the first answer.
   *
   * @throws NO_RESPONDERS nobody listens: told at once, nothing ran.
   * @throws TIMEOUT nobody answered; whether it ran is unknown. A late answer is dropped.
   */
  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message>;
}
