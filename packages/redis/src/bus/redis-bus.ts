/**
 * The bus on Redis pub/sub.
 *
 * A publication is one script: to the subject's channel, where prefixes listen by pattern, and to
 * one live member of each queue, found in a registry. The script's count of receivers says at once
 * whether anybody listens; for that to be true in a cluster, all of a namespace's bus lives at one
 * node, the one that owns its home slot. Answers to requests come to one channel per process.
 *
 * Guarantees: those of `MessageBus`. Does not guarantee that a message for a queue which the
 * client library sent twice over a broken connection is handled by one member only.
 */
import {
  type CheckedPublish,
  checkPublish,
  checkRequest,
  checkResponse,
  checkSubscribe,
  deferred,
  encodeName,
  isPrefix,
  type Message,
  type MessageBus,
  type MessageHandler,
  onAbort,
  type PublishOptions,
  QuorateError,
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
  type Timer,
} from "@quorate/core";
import type { Engine } from "../engine.ts";
import type { Channel } from "../subscriber.ts";
import { BusSubscription } from "./bus-subscription.ts";
import { decodeMessage, encodeMessage, type MessageHead } from "./message.ts";
import { QueueMembers } from "./queue-members.ts";
import { Replies } from "./replies.ts";

/** Pub/sub of one backend. */
export class RedisBus implements MessageBus {
  readonly #engine: Engine;
  readonly #prefix: string;
  readonly #publisher: string;
  readonly #members: QueueMembers;
  readonly #replies: Replies;
  readonly #subscriptions = new Set<BusSubscription>();
  #sequence = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    // One partition in all: counts of receivers are true at the node where everybody listens.
    this.#prefix = `{${engine.partitions.namespace}/bus}`;
    this.#publisher = engine.runtime.ids.operation();
    this.#members = new QueueMembers(engine, this.#prefix);
    this.#replies = new Replies(engine, this.#channel("plain", `r:${this.#publisher}`));
  }

  async publish(subject: string, data: Uint8Array, options?: PublishOptions): Promise<void> {
    await this.#send(checkPublish(subject, data, options, this.#engine.bounds), {});
  }

  async subscribe(
    target: string,
    handler: MessageHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription> {
    const { queue, signal } = checkSubscribe(target, handler, options, this.#engine.bounds);
    this.#engine.lifecycle.assertOpen();
    const member = this.#engine.runtime.ids.operation();
    const channel =
      queue === undefined ? this.#channelOf(target) : this.#channel("plain", `m:${member}`);
    const hear = (bytes: Buffer): void => this.#hear(subscription, bytes);
    const unlisten = async (): Promise<void> => {
      detach();
      this.#subscriptions.delete(subscription);
      this.#engine.subscriber.forget(channel, hear);
      if (queue !== undefined) await this.#members.leave(target, queue, member);
    };
    const { runtime } = this.#engine;
    const subscription = new BusSubscription(target, handler, { runtime, unlisten });
    let detach = (): void => {};
    await this.#engine.subscriber.listen(channel, hear, signal);
    this.#subscriptions.add(subscription);
    detach = onAbort(signal, () => void subscription.close());
    try {
      if (queue !== undefined) await this.#members.join(target, queue, member);
    } catch (error) {
      await subscription.close();
      throw error;
    }
    return subscription;
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    const checked = checkRequest(subject, data, options, this.#engine.bounds);
    const { timeoutMs, signal } = checked;
    this.#engine.lifecycle.assertOpen();
    const { runtime, lifecycle } = this.#engine;
    const answer = deferred<Message>();
    answer.promise.catch(() => {});
    let isSent = false;
    const timer: Timer = runtime.time.setTimer(timeoutMs, () =>
      answer.reject(isSent ? noAnswer(subject, timeoutMs) : notSent(subject, timeoutMs)),
    );
    const detach = [
      onAbort(signal, () => answer.reject(signal?.reason)),
      onAbort(lifecycle.signal, () => answer.reject(lifecycle.signal.reason)),
    ];
    const replyId = runtime.ids.operation();
    try {
      await Promise.race([this.#replies.open(), answer.promise]);
      this.#replies.expect(replyId, answer.resolve);
      const replyTo = this.#replies.channel.name;
      isSent = true;
      const sent = this.#send(checked, { timeoutMs, replyTo, replyId });
      const received = await Promise.race([sent, answer.promise]);
      if (received === 0) throw nobodyListens(subject);
      return await answer.promise;
    } finally {
      timer.cancel();
      for (const off of detach) off();
      this.#replies.forget(replyId);
    }
  }

  /** Ends all subscriptions. */
  async close(): Promise<void> {
    this.#members.close();
    this.#replies.close();
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
  }

  async #send(
    message: CheckedPublish,
    options: Pick<MessageHead, "replyTo" | "replyId"> & { readonly timeoutMs?: number },
  ): Promise<number> {
    const { bounds, lifecycle } = this.#engine;
    lifecycle.assertOpen();
    const { subject, data, headers, signal } = message;
    const { replyTo, replyId } = options;
    const sequence = ++this.#sequence;
    const publisher = this.#publisher;
    const head = { subject, headers, publisher, sequence, replyTo, replyId };
    return lifecycle.track(
      this.#publish(`b:${encodeName(subject)}`, encodeMessage(head, data), {
        registries: this.#members.registriesOf(subject),
        signal,
        timeoutMs: options.timeoutMs ?? bounds.requestTimeoutMs,
      }),
    );
  }

  async #publish(
    channel: string,
    message: Buffer,
    options: {
      readonly registries: readonly string[];
      readonly signal?: AbortSignal | undefined;
      readonly timeoutMs: number;
    },
  ): Promise<number> {
    const { link, scripts } = this.#engine;
    const { value, steady } = await link.run({
      operation: "bus.publish",
      script: scripts["bus-publish"],
      keys: [`${this.#prefix}b`, ...options.registries],
      args: [`${this.#prefix}${channel}`, message, `${this.#prefix}m:`],
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      once: true,
    });
    // Nobody: a no that counts only if it answers this very sending. What the client library sent
    // again over a new connection may have been heard the first time.
    return steady ? Number(value) : Math.max(1, Number(value));
  }

  #hear(subscription: BusSubscription, bytes: Buffer): void {
    const message = decodeMessage(bytes);
    if (message === undefined) return;
    const { head, data } = message;
    if (!subscription.isNew(head.publisher, head.sequence)) return;
    const { subject, headers, replyTo, replyId } = head;
    const mine = replyTo?.startsWith(`${this.#prefix}r:`) === true ? replyTo : undefined;
    if (mine === undefined || replyId === undefined) {
      subscription.take({ subject, data, headers });
      return;
    }
    const respond = (answer: Uint8Array, options?: PublishOptions): Promise<void> =>
      this.#respond({ subject, replyTo: mine, replyId }, answer, options);
    subscription.take({ subject, data, headers, respond });
  }

  async #respond(
    to: { readonly subject: string; readonly replyTo: string; readonly replyId: string },
    data: Uint8Array,
    options: PublishOptions | undefined,
  ): Promise<void> {
    const { bounds, lifecycle } = this.#engine;
    const { headers, signal, data: copy } = checkResponse(data, options, bounds);
    lifecycle.assertOpen();
    const sequence = ++this.#sequence;
    const { subject, replyId, replyTo } = to;
    const head = { subject, headers, publisher: this.#publisher, sequence, replyId };
    const channel = replyTo.slice(this.#prefix.length);
    const { requestTimeoutMs: timeoutMs } = bounds;
    await this.#publish(channel, encodeMessage(head, copy), { registries: [], signal, timeoutMs });
  }

  /** Names in channels are encoded: they have none of the characters of a glob. */
  #channelOf(target: string): Channel {
    if (!isPrefix(target)) return this.#channel("plain", `b:${encodeName(target)}`);
    const encoded = target === "" ? "" : `${encodeName(target.slice(0, -1))}/`;
    return this.#channel("pattern", `b:${encoded}*`);
  }

  #channel(kind: "plain" | "pattern", name: string): Channel {
    return { kind, name: `${this.#prefix}${name}`, home: `${this.#prefix}b` };
  }
}

function nobodyListens(subject: string): QuorateError<"NO_RESPONDERS"> {
  const message = `nobody listens on ${JSON.stringify(subject)}`;
  return new QuorateError("NO_RESPONDERS", message, { effect: "none", details: { subject } });
}

/** The server had no connection left to listen on, say. */
function notSent(subject: string, timeoutMs: number): QuorateError<"TIMEOUT"> {
  const what = JSON.stringify(subject);
  const message = `could not listen for an answer on ${what} in ${timeoutMs} ms; nothing was sent`;
  const details = { operation: "bus.request", timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "none", details });
}

function noAnswer(subject: string, timeoutMs: number): QuorateError<"TIMEOUT"> {
  const message = `no answer on ${JSON.stringify(subject)} in ${timeoutMs} ms; it may have run`;
  const details = { operation: "bus.request", timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}
