/**
 * A child's side of a lent store: asks its parent, and believes what it says.
 */
import {
  type Change,
  type Deferred,
  deferred,
  type DeleteResult,
  type Entry,
  Feed,
  type KvStore,
  type Message,
  type MessageBus,
  type MessageHandler,
  onAbort,
  type PutResult,
  raceAbort,
  type Subscription,
} from "@quorate/core";
import { type FromStore, receivedError, type StoreAsk, type ToStore } from "./lent.ts";

/** A message as it travels. */
interface SentMessage extends Omit<Message, "respond"> {
  readonly id: number;
  readonly isQuestion: boolean;
}

interface Calling {
  readonly answer: Deferred<unknown>;
  readonly onItem: (value: unknown) => void;
}

/** What a child has of the store. */
export class BorrowedStore {
  readonly #send: (message: ToStore) => void;
  readonly #calling = new Map<number, Calling>();
  #calls = 0;
  readonly kv: KvStore = {
    get: async (key, { signal } = {}) =>
      (await this.#ask("get", [key], signal)) as Entry | undefined,
    put: async (key, value, { signal, ...options } = {}) =>
      (await this.#ask("put", [key, value, options], signal)) as PutResult,
    delete: async (key, { signal, ...options } = {}) =>
      (await this.#ask("delete", [key, options], signal)) as DeleteResult,
    list: (collection, { signal } = {}) => this.#list(collection, signal),
    watch: (target, { signal } = {}) => this.#watch(target, signal),
  };
  readonly bus: MessageBus = {
    publish: async (subject, data, { signal, ...options } = {}) =>
      void (await this.#ask("publish", [subject, data, options], signal)),
    request: async (subject, data, { signal, ...options }) =>
      (await this.#ask("request", [subject, data, options], signal)) as Message,
    subscribe: (subject, handler, options = {}) => this.#subscribe(subject, handler, options),
  };

  constructor(send: (message: ToStore) => void) {
    this.#send = send;
  }

  /** Hears the parent. */
  hear(message: FromStore): void {
    const calling = this.#calling.get(message.call);
    if (message.kind === "store-item") return calling?.onItem(message.value);
    this.#calling.delete(message.call);
    if (message.kind === "store-failed") calling?.answer.reject(receivedError(message.error));
    else calling?.answer.resolve(message.value);
  }

  #begin(
    what: StoreAsk["what"],
    args: readonly unknown[],
    onItem: (value: unknown) => void = () => {},
  ): { readonly call: number; readonly answered: Promise<unknown> } {
    this.#calls += 1;
    const call = this.#calls;
    const answer = deferred<unknown>();
    this.#calling.set(call, { answer, onItem });
    this.#send({ kind: "store-ask", call, what, args });
    return { call, answered: answer.promise };
  }

  async #ask(
    what: StoreAsk["what"],
    args: readonly unknown[],
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    return raceAbort(this.#begin(what, args).answered, signal);
  }

  async *#list(collection: string, signal: AbortSignal | undefined): AsyncGenerator<Entry> {
    yield* (await this.#ask("list", [collection], signal)) as Entry[];
  }

  #watch(target: string, signal: AbortSignal | undefined): Feed<Change> {
    const onEnd = (): void => this.#send({ kind: "store-stop", call });
    const feed: Feed<Change> = new Feed<Change>({ signal, onEnd });
    const { call, answered } = this.#begin("watch", [target], (value) => {
      const change = value as Change;
      const isState = change.kind === "put" || change.kind === "delete";
      const key = change.kind === "put" ? change.entry.key : isState ? change.key : "";
      feed.push(`${isState ? "key" : change.kind}/${key}`, change);
    });
    answered.then(
      () => feed.end(),
      (error: unknown) => feed.fail(error),
    );
    return feed;
  }

  async #subscribe(
    subject: string,
    handler: MessageHandler,
    { signal, queue }: { readonly signal?: AbortSignal | undefined; readonly queue?: string },
  ): Promise<Subscription> {
    signal?.throwIfAborted();
    const subscribed = deferred<void>();
    let handled: Promise<void> = Promise.resolve();
    const take = (value: unknown): void => {
      if (value === undefined) return subscribed.resolve();
      const message = this.#messageOf(value as SentMessage);
      handled = handled.then(() => handler(message)).catch(() => {});
    };
    const options = queue === undefined ? {} : { queue };
    const { call, answered } = this.#begin("subscribe", [subject, options], take);
    answered.then(() => {}, subscribed.reject);
    const stop = (): void => this.#send({ kind: "store-stop", call });
    const off = onAbort(signal, stop);
    await subscribed.promise;
    const close = async (): Promise<void> => {
      off();
      stop();
      await handled;
    };
    return { subject, close, [Symbol.asyncDispose]: close };
  }

  #messageOf({ id, isQuestion, ...message }: SentMessage): Message {
    if (!isQuestion) return message;
    return {
      ...message,
      respond: async (data, { signal, ...options } = {}) =>
        void (await this.#ask("respond", [id, data, options], signal)),
    };
  }
}
