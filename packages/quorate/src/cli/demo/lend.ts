/**
 * The parent's side of a lent store: carries out what one child asks, until the child is gone.
 */
import { type Backend, invariant, type Message } from "@quorate/core";
import { type FromStore, sentError, type StoreAsk, type ToStore } from "./lent.ts";

const MOST_LISTED = 10_000;

/** One child's loan. */
export class Loan {
  readonly #backend: Pick<Backend, "kv" | "bus">;
  readonly #send: (message: FromStore) => void;
  readonly #open = new Map<number, AbortController>();
  readonly #unanswered = new Map<number, Message>();
  #messages = 0;

  constructor(backend: Pick<Backend, "kv" | "bus">, send: (message: FromStore) => void) {
    this.#backend = backend;
    this.#send = send;
  }

  /** Hears the child. Never rejects. */
  async hear(message: ToStore): Promise<void> {
    const { call } = message;
    if (message.kind === "store-stop") {
      this.#open.get(call)?.abort(new Error("stopped"));
      return;
    }
    try {
      this.#send({ kind: "store-answer", call, value: await this.#carryOut(message) });
    } catch (error) {
      this.#send({ kind: "store-failed", call, error: sentError(error) });
    } finally {
      this.#open.delete(call);
    }
  }

  /** The child is gone: what it had open ends. */
  end(): void {
    for (const controller of this.#open.values()) controller.abort(new Error("its process ended"));
    this.#unanswered.clear();
  }

  #carryOut({ call, what, args }: StoreAsk): Promise<unknown> {
    const { kv, bus } = this.#backend;
    const [name, second, third] = args as [string, never, never];
    switch (what) {
      case "get":
        return kv.get(name);
      case "put":
        return kv.put(name, second, third);
      case "delete":
        return kv.delete(name, second);
      case "list":
        return this.#list(name);
      case "publish":
        return bus.publish(name, second, third);
      case "request":
        return bus.request(name, second, third).then(({ subject, data, headers }) => {
          return { subject, data, headers };
        });
      case "respond":
        return this.#respond(args);
      case "watch":
        return this.#watch(call, name);
      case "subscribe":
        return this.#subscribe(call, name, second);
      default:
        throw new Error(`no such call: ${String(what satisfies never)}`);
    }
  }

  async #list(collection: string): Promise<unknown> {
    const entries = [];
    for await (const entry of this.#backend.kv.list(collection)) {
      entries.push(entry);
      invariant(entries.length <= MOST_LISTED, "a demo stores little");
    }
    return entries;
  }

  async #watch(call: number, target: string): Promise<void> {
    const { signal } = this.#opened(call);
    try {
      for await (const value of this.#backend.kv.watch(target, { signal })) {
        this.#send({ kind: "store-item", call, value });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Resolves at once: that is when the child may believe that it is subscribed. */
  async #subscribe(call: number, subject: string, options: object): Promise<void> {
    const { signal } = this.#opened(call);
    const handler = (message: Message): void => {
      this.#messages += 1;
      const id = this.#messages;
      if (message.respond !== undefined) this.#unanswered.set(id, message);
      const { subject: at, data, headers } = message;
      const isQuestion = message.respond !== undefined;
      this.#send({
        kind: "store-item",
        call,
        value: { id, isQuestion, subject: at, data, headers },
      });
    };
    const subscription = await this.#backend.bus.subscribe(subject, handler, {
      ...options,
      signal,
    });
    this.#send({ kind: "store-item", call, value: undefined });
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await subscription.close();
  }

  async #respond([id, data, options]: readonly unknown[]): Promise<void> {
    const message = this.#unanswered.get(id as number);
    this.#unanswered.delete(id as number);
    await message?.respond?.(data as Uint8Array, options as object);
  }

  #opened(call: number): AbortController {
    const controller = new AbortController();
    this.#open.set(call, controller);
    return controller;
  }
}
