/**
 * A connection that does what a test says: it remembers what was published, delivers what it is
 * told to, and comes and goes on command.
 */
import type { NatsConnectionLike, NatsMessageLike } from "./connection.ts";

type Callback = (error: Error | null, message: NatsMessageLike) => void;

/** What was published. */
export interface Published {
  readonly subject: string;
  readonly reply: string;
}

/** A connection without a server. */
export class FakeConnection implements NatsConnectionLike {
  info: NonNullable<NatsConnectionLike["info"]> = {
    version: "2.15.1",
    max_payload: 1_048_576,
    server_id: "S",
    client_id: 1,
    jetstream: true,
  };
  readonly published: Published[] = [];
  readonly subscriptions = new Map<string, Callback>();
  reconnects = 0;
  answersPings = true;
  refuses: Error | undefined;
  #closed = false;
  #close: () => void = () => {};
  readonly #statuses: { type: string }[] = [];
  #wake: () => void = () => {};

  publish(subject: string, _payload?: Uint8Array, options?: object): void {
    if (this.refuses !== undefined) throw this.refuses;
    const { reply = "" } = (options ?? {}) as { reply?: string };
    this.published.push({ subject, reply });
  }

  subscribe(subject: string, options?: { callback?: Callback }): { unsubscribe(): void } {
    if (options?.callback !== undefined) this.subscriptions.set(subject, options.callback);
    return { unsubscribe: () => void this.subscriptions.delete(subject) };
  }

  flush(): Promise<void> {
    return this.answersPings ? Promise.resolve() : new Promise(() => {});
  }

  async *status(): AsyncGenerator<{ type: string }> {
    while (!this.#closed) {
      yield* this.#statuses.splice(0);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  isClosed(): boolean {
    return this.#closed;
  }

  closed(): Promise<void> {
    return new Promise((resolve) => (this.#close = resolve));
  }

  async reconnect(): Promise<void> {
    this.reconnects += 1;
  }

  /** Answers the n-th publication, as the server or a peer would. */
  answer(index: number, message: Partial<NatsMessageLike> = {}): void {
    const subject = this.published[index]?.reply ?? "";
    for (const [filter, callback] of this.subscriptions) {
      if (filter !== `${subject.slice(0, subject.lastIndexOf("."))}.*`) continue;
      callback(null, { subject, data: new Uint8Array(1), ...message });
    }
  }

  /** Tells a status event, with whatever the client puts into it. */
  async tell(type: string, more: object = {}): Promise<void> {
    this.#statuses.push({ type, ...more });
    this.#wake();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** The link dies and, as another connection, comes back. */
  async bounce(): Promise<void> {
    await this.tell("disconnect");
    this.info = { ...this.info, client_id: this.info.client_id + 1 };
    await this.tell("reconnect");
  }

  /** The client gives up. */
  async giveUp(): Promise<void> {
    this.#closed = true;
    this.#wake();
    this.#close();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
