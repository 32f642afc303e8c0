/**
 * Answers to this process's requests: one channel, told apart by their ids.
 *
 * The first answer counts; one that comes when nobody waits any more is dropped.
 */
import type { Message } from "@quorate/core";
import type { Engine } from "../engine.ts";
import type { Channel } from "../subscriber.ts";
import { decodeMessage } from "./message.ts";

/** A request that waits. */
interface Expectation {
  /** Dropped when it is over: old tables of the Map hold on to what was in it. */
  take: ((message: Message) => void) | undefined;
}

/** The channel of answers. */
export class Replies {
  readonly channel: Channel;
  readonly #engine: Engine;
  readonly #expected = new Map<string, Expectation>();
  #open: Promise<void> | undefined;

  constructor(engine: Engine, channel: Channel) {
    this.#engine = engine;
    this.channel = channel;
  }

  /** Listens, from the first request on. */
  open(): Promise<void> {
    this.#open ??= this.#engine.subscriber
      .listen(this.channel, this.#hear)
      .catch((error: unknown) => {
        this.#open = undefined;
        throw error;
      });
    return this.#open;
  }

  /** Hands the answer with this id to `take`. */
  expect(id: string, take: (message: Message) => void): void {
    this.#expected.set(id, { take });
  }

  /** Nobody waits for it any more. */
  forget(id: string): void {
    this.#takeOut(id);
  }

  /** Stops listening. */
  close(): void {
    if (this.#open !== undefined) this.#engine.subscriber.forget(this.channel, this.#hear);
    this.#expected.clear();
  }

  readonly #hear = (bytes: Buffer): void => {
    const message = decodeMessage(bytes);
    const id = message?.head.replyId;
    if (message === undefined || id === undefined) return;
    const { subject, headers } = message.head;
    this.#takeOut(id)?.({ subject, headers, data: message.data });
  };

  #takeOut(id: string): Expectation["take"] {
    const expectation = this.#expected.get(id);
    if (expectation === undefined) return undefined;
    this.#expected.delete(id);
    const { take } = expectation;
    expectation.take = undefined;
    return take;
  }
}
