/**
 * The bus on core NATS: publish, subscribe, queues, requests.
 *
 * A subject is encoded token by token below the namespace's `b.`, so a prefix is a NATS wildcard
 * and no character of a name can be one. Requests use the shared inbox (`link/exchange.ts`), and
 * learn from the server at once when nobody listens.
 *
 * Guarantees: an answer is sent only to an inbox of this namespace: a request that names another
 * subject for its answer gets none. Does not guarantee delivery; a subscriber that falls behind
 * by `MOST_WAITING` messages loses the newest, and an event says so.
 */
import {
  checkPublish,
  checkRequest,
  checkResponse,
  checkSubscribe,
  QuorateError,
} from "@quorate/core";
import type {
  Lifecycle,
  Message,
  MessageBus,
  MessageHandler,
  PublishOptions,
  RequestBounds,
  RequestOptions,
  Runtime,
  SubscribeOptions,
  Subscription,
} from "@quorate/core";
import { Budget } from "./budget.ts";
import { BusSubscription } from "./bus-subscription.ts";
import type { NatsMessageLike } from "./connection.ts";
import { refused, unavailable, unreachable } from "./failures.ts";
import { busHeaders, readBusHeaders, type WireHeaders } from "./headers.ts";
import type { Exchange } from "./link/exchange.ts";
import type { Link } from "./link/link.ts";
import type { Subjects } from "./subjects.ts";

/** What the bus is made of. */
export interface BusParts {
  readonly link: Link;
  readonly exchange: Exchange;
  readonly subjects: Subjects;
  readonly lifecycle: Lifecycle;
  readonly runtime: Runtime;
  readonly bounds: () => RequestBounds;
}

/** Messages over NATS. */
export class NatsBus implements MessageBus {
  readonly #parts: BusParts;

  constructor(parts: BusParts) {
    this.#parts = parts;
  }

  async publish(subject: string, data: Uint8Array, options?: PublishOptions): Promise<void> {
    const { bounds, lifecycle, subjects } = this.#parts;
    lifecycle.assertOpen();
    const request = checkPublish(subject, data, options, bounds());
    const headers = busHeaders(request.headers);
    const wire = { subject: subjects.bus(request.subject), data: request.data, headers };
    return lifecycle.track(this.#send("bus.publish", wire, request.signal));
  }

  async subscribe(
    target: string,
    handler: MessageHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription> {
    const { bounds, lifecycle, subjects } = this.#parts;
    lifecycle.assertOpen();
    const request = checkSubscribe(target, handler, options, bounds());
    const subscription = new BusSubscription({
      ...this.#parts,
      request,
      filter: subjects.busTarget(request.target),
      read: (message) => this.#read(message),
    });
    return lifecycle.track(subscription.start(this.#budget(request.signal)));
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    const { bounds, lifecycle } = this.#parts;
    lifecycle.assertOpen();
    return lifecycle.track(this.#request(checkRequest(subject, data, options, bounds())));
  }

  async #request(request: ReturnType<typeof checkRequest>): Promise<Message> {
    const { exchange, lifecycle, link, runtime, subjects } = this.#parts;
    const { signal, subject, timeoutMs } = request;
    const operation = "bus.request";
    const budget = new Budget(runtime, { timeoutMs, signal });
    const headers = busHeaders(request.headers);
    this.#checkSize(request.data, headers);
    if (!(await link.whenUp(budget.leftMs, signal))) throw this.#unreachable(operation, signal);
    const answer = await exchange.ask({
      subject: subjects.bus(subject),
      data: request.data,
      headers,
      timeoutMs: Math.max(0, budget.leftMs),
      signal,
      outlivesLink: true,
    });
    switch (answer.kind) {
      case "message": {
        const { data, headers: found } = answer.message;
        return { subject, data: Uint8Array.from(data), headers: readBusHeaders(found) };
      }
      case "no-responders":
        throw noResponders(subject);
      case "refused":
        throw refused(operation, answer.reason);
      case "not-sent":
        throw unavailable(operation, "not connected", { cause: answer.cause });
      case "silence":
        if (answer.why === "aborted") throw signal?.reason;
        if (answer.why === "closed") throw lifecycle.closedError();
        link.suspect();
        throw requestTimeout(timeoutMs);
    }
  }

  async #send(
    operation: string,
    wire: {
      readonly subject: string;
      readonly data: Uint8Array;
      readonly headers: WireHeaders | undefined;
    },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { link } = this.#parts;
    this.#checkSize(wire.data, wire.headers);
    const budget = this.#budget(signal);
    // No wait while the link is up: messages leave in the order of their calls.
    if (link.epoch === undefined && !(await link.whenUp(budget.leftMs, signal))) {
      throw this.#unreachable(operation, signal);
    }
    try {
      const options = wire.headers === undefined ? {} : { headers: wire.headers };
      link.connection.publish(wire.subject, wire.data, options);
    } catch (cause) {
      throw unavailable(operation, "the client refused to send", { cause });
    }
  }

  /** A message as handlers see it; `undefined` for what no bus of this namespace sent. */
  #read(message: NatsMessageLike): Message | undefined {
    const { subjects } = this.#parts;
    const subject = subjects.busName(message.subject);
    if (subject === undefined) return undefined;
    const { reply } = message;
    const data = Uint8Array.from(message.data);
    const headers = readBusHeaders(message.headers);
    if (reply === undefined || reply === "" || !subjects.isInbox(reply)) {
      return { subject, data, headers };
    }
    const respond: Message["respond"] = async (answer, options) => {
      const response = checkResponse(answer, options, this.#parts.bounds());
      const wire = { subject: reply, data: response.data, headers: busHeaders(response.headers) };
      await this.#send("bus.respond", wire, response.signal);
    };
    return { subject, data, headers, respond };
  }

  #checkSize(data: Uint8Array, headers: WireHeaders | undefined): void {
    const limit = this.#parts.link.connection.info?.max_payload;
    const size = data.byteLength + (headers?.encode().byteLength ?? 0);
    if (limit === undefined || size <= limit) return;
    const details = { option: "data", size, limit };
    const message = `data and headers have ${size} bytes, the server takes at most ${limit}`;
    throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
  }

  #budget(signal: AbortSignal | undefined): Budget {
    const timeoutMs = this.#parts.bounds().requestTimeoutMs;
    return new Budget(this.#parts.runtime, { timeoutMs, signal });
  }

  #unreachable(operation: string, signal: AbortSignal | undefined): unknown {
    const { link } = this.#parts;
    if (signal?.aborted === true) return signal.reason;
    return unreachable(operation, link, "no connection to a NATS server");
  }
}

function noResponders(subject: string): QuorateError<"NO_RESPONDERS"> {
  const message = `nobody listens on ${subject}; nothing ran`;
  return new QuorateError("NO_RESPONDERS", message, { effect: "none", details: { subject } });
}

function requestTimeout(timeoutMs: number): QuorateError<"TIMEOUT"> {
  const operation = "bus.request";
  const message = `${operation}: no answer in ${timeoutMs} ms; whether it ran is unknown`;
  return new QuorateError("TIMEOUT", message, {
    effect: "unknown",
    details: { operation, timeoutMs },
  });
}
