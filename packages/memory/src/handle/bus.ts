/**
 * The bus of one process: publish, subscribe, request and reply over its link.
 *
 * Subscriptions outlive outages: they are made again when the link is back, and what was published
 * in between is lost, as the bus promises nothing else.
 */
import {
  checkPublish,
  checkRequest,
  checkResponse,
  type CheckedSubscribe,
  checkSubscribe,
  deferred,
  type Message,
  type MessageBus,
  type MessageHandler,
  onAbort,
  type PublishOptions,
  QuorateError,
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
  withDeadline,
} from "@quorate/core";
import type { Session } from "../store/session.ts";
import type { BusEnvelope } from "../store/space.ts";
import { Inbox } from "./inbox.ts";
import type { LinkListener } from "./link.ts";
import type { Process } from "./process.ts";

/** What an answer is made of. */
type Answer = Pick<BusEnvelope, "data" | "headers">;

/** Messages between processes, over one link. */
export class MemoryBus implements MessageBus {
  readonly #process: Process;

  constructor(process: Process) {
    this.#process = process;
  }

  async publish(subject: string, data: Uint8Array, options?: PublishOptions): Promise<void> {
    const { lifecycle, bounds, space, store, link } = this.#process;
    lifecycle.assertOpen();
    const { signal, ...message } = checkPublish(subject, data, options, bounds);
    const run = (): void => {
      for (const port of space.bus.route(subject, store.runtime.random)) {
        port.deliver({ ...message, reply: undefined });
      }
    };
    const { requestTimeoutMs: timeoutMs } = bounds;
    const exchange = {
      operation: "bus.publish",
      kind: "write",
      isBus: true,
      timeoutMs,
      signal,
      run,
    } as const;
    await lifecycle.track(link.call(exchange));
  }

  async subscribe(
    target: string,
    handler: MessageHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription> {
    const { lifecycle, bounds, link } = this.#process;
    lifecycle.assertOpen();
    const request = checkSubscribe(target, handler, options, bounds);
    const subscription = new MemorySubscription(this.#process, request);
    const { requestTimeoutMs: timeoutMs } = bounds;
    const call = { signal: request.signal, timeoutMs };
    try {
      // Messages arrive in order: once this is answered, the store knows of the subscription.
      await link.call({
        operation: "bus.subscribe",
        kind: "read",
        isBus: true,
        ...call,
        run: () => undefined,
      });
    } catch (error) {
      void subscription.close();
      throw error;
    }
    return subscription;
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    const { lifecycle, bounds } = this.#process;
    lifecycle.assertOpen();
    const { signal, timeoutMs, ...message } = checkRequest(subject, data, options, bounds);
    const answer = deferred<Answer>();
    const sentMs = this.#process.runtime.time.monotonicMs();
    const asked = this.#ask(message, answer.resolve, { signal, timeoutMs });
    asked.catch(answer.reject);
    const timedOut = (): QuorateError => timeout(subject, timeoutMs);
    const bounded = withDeadline(this.#process.runtime, answer.promise, {
      timeoutMs: timeoutMs - (this.#process.runtime.time.monotonicMs() - sentMs),
      signal,
      onTimeout: timedOut,
    });
    const { data: reply, headers } = await lifecycle.track(bounded);
    return { subject, data: new Uint8Array(reply), headers };
  }

  /** Sends the question; rejects if nobody listens. Late answers find nobody. */
  async #ask(
    message: Pick<BusEnvelope, "subject" | "data" | "headers">,
    onAnswer: (answer: Answer) => void,
    call: { readonly signal: AbortSignal | undefined; readonly timeoutMs: number },
  ): Promise<void> {
    const { space, store, link } = this.#process;
    const { subject } = message;
    const run = (session: Session): void => {
      const ports = space.bus.route(subject, store.runtime.random);
      if (ports.length === 0) throw noResponders(subject);
      const reply = (answer: Answer): void => session.push(() => onAnswer(answer));
      for (const port of ports) port.deliver({ ...message, reply });
    };
    await link.call({
      operation: "bus.request",
      key: subject,
      kind: "write",
      isBus: true,
      ...call,
      run,
    });
  }
}

/** A subscription, made again after each outage. */
class MemorySubscription implements Subscription, LinkListener {
  readonly subject: string;
  readonly #process: Process;
  readonly #queue: string | undefined;
  readonly #inbox: Inbox;
  readonly #offs: (() => void)[];
  #detach: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(process: Process, request: CheckedSubscribe) {
    this.subject = request.target;
    this.#process = process;
    this.#queue = request.queue;
    this.#inbox = new Inbox(process.runtime, request.handler);
    const close = (): void => void this.close();
    this.#offs = [onAbort(request.signal, close), onAbort(process.lifecycle.stopping, close)];
    process.link.listeners.add(this);
    if (process.link.isUp) this.up();
  }

  down(): void {
    this.#detach?.();
    this.#detach = undefined;
  }

  /** Makes it known to the store. */
  up(): void {
    const { space, link } = this.#process;
    if (this.#closed !== undefined) return;
    this.#detach?.();
    this.#detach = link.attach((session) => {
      const deliver = (envelope: BusEnvelope): void => {
        session.push(() => this.#inbox.take(this.#toMessage(envelope)));
      };
      return space.bus.add({ target: this.subject, queue: this.#queue, port: { deliver } });
    });
  }

  close(): Promise<void> {
    if (this.#closed !== undefined) return this.#closed;
    for (const off of this.#offs) off();
    this.#process.link.listeners.delete(this);
    this.down();
    this.#closed = this.#inbox.close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #toMessage(envelope: BusEnvelope): Message {
    const { subject, reply } = envelope;
    const headers = Object.assign(Object.create(null) as object, envelope.headers);
    const message = { subject, data: new Uint8Array(envelope.data), headers: { ...headers } };
    Object.setPrototypeOf(message.headers, null);
    if (reply === undefined) return message;
    const respond = async (data: Uint8Array, options?: PublishOptions): Promise<void> => {
      const { lifecycle, bounds, link } = this.#process;
      lifecycle.signal.throwIfAborted();
      const { signal, ...answer } = checkResponse(data, options, bounds);
      const { requestTimeoutMs: timeoutMs } = bounds;
      const run = (): void => reply(answer);
      await link.call({
        operation: "bus.respond",
        kind: "write",
        isBus: true,
        timeoutMs,
        signal,
        run,
      });
    };
    return { ...message, respond };
  }
}

function noResponders(subject: string): QuorateError {
  const message = `nobody listens on ${subject}; nothing ran`;
  return new QuorateError("NO_RESPONDERS", message, { effect: "none", details: { subject } });
}

function timeout(subject: string, timeoutMs: number): QuorateError {
  const message = `no answer on ${subject} in ${timeoutMs} ms; it may have run`;
  const details = { operation: "bus.request", timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}
