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
  CheckedRequest,
  Lifecycle,
  Message,
  MessageBus,
  MessageHandler,
  Ms,
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
import type { Answer, Exchange } from "./link/exchange.ts";
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

/** A message for the client. */
interface Wire {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: WireHeaders | undefined;
}

const REQUEST = "bus.request";
const SENT: Promise<void> = Promise.resolve();

/** The client's own bytes, which it does not use again, without what its class adds. */
function plainBytes({ buffer, byteLength, byteOffset }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
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
    if (this.#sendNow("bus.publish", wire)) return;
    await lifecycle.track(this.#sendOnceUp("bus.publish", wire, request.signal));
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

  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    const { bounds, lifecycle, link } = this.#parts;
    try {
      lifecycle.assertOpen();
      const request = checkRequest(subject, data, options, bounds());
      // With a link, which is the rule, the question leaves in the caller's turn.
      if (link.epoch === undefined) return lifecycle.track(this.#askOnceUp(request));
      return this.#ask(request, request.timeoutMs);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #askOnceUp(request: CheckedRequest): Promise<Message> {
    const { link, runtime } = this.#parts;
    const { signal, timeoutMs } = request;
    const budget = new Budget(runtime, { timeoutMs, signal });
    if (!(await link.whenUp(budget.leftMs, signal))) throw this.#unreachable(REQUEST, signal);
    return this.#ask(request, Math.max(0, budget.leftMs));
  }

  #ask(request: CheckedRequest, leftMs: Ms): Promise<Message> {
    const { exchange, lifecycle, subjects } = this.#parts;
    const headers = busHeaders(request.headers);
    this.#checkSize(request.data, headers);
    const question = {
      subject: subjects.bus(request.subject),
      data: request.data,
      headers,
      timeoutMs: leftMs,
      signal: request.signal,
      outlivesLink: true,
    };
    return new Promise((resolve, reject) => {
      lifecycle.enter();
      exchange.pose(question, (answer) => {
        lifecycle.leave();
        if (answer.kind !== "message") return reject(this.#failure(request, answer));
        const { data, headers: found } = answer.message;
        const { subject } = request;
        resolve({ subject, data: plainBytes(data), headers: readBusHeaders(found) });
      });
    });
  }

  #failure(request: CheckedRequest, answer: Exclude<Answer, { kind: "message" }>): unknown {
    const { lifecycle, link } = this.#parts;
    const { signal, subject, timeoutMs } = request;
    switch (answer.kind) {
      case "no-responders":
        return noResponders(subject);
      case "refused":
        return refused(REQUEST, answer.reason);
      case "not-sent":
        return unavailable(REQUEST, "not connected", { cause: answer.cause });
      case "silence":
        if (answer.why === "aborted") return signal?.reason;
        if (answer.why === "closed") return lifecycle.closedError();
        link.suspect();
        return requestTimeout(timeoutMs);
    }
  }

  /** Hands the message to the client if there is a link: messages leave in the order of calls. */
  #sendNow(operation: string, wire: Wire): boolean {
    const { link } = this.#parts;
    this.#checkSize(wire.data, wire.headers);
    if (link.epoch === undefined) return false;
    try {
      const options = wire.headers === undefined ? undefined : { headers: wire.headers };
      link.connection.publish(wire.subject, wire.data, options);
      return true;
    } catch (cause) {
      throw unavailable(operation, "the client refused to send", { cause });
    }
  }

  async #sendOnceUp(operation: string, wire: Wire, signal: AbortSignal | undefined): Promise<void> {
    const { link } = this.#parts;
    const budget = this.#budget(signal);
    while (!this.#sendNow(operation, wire)) {
      if (!(await link.whenUp(budget.leftMs, signal))) throw this.#unreachable(operation, signal);
    }
  }

  /** A message as handlers see it; `undefined` for what no bus of this namespace sent. */
  #read(message: NatsMessageLike): Message | undefined {
    const { subjects } = this.#parts;
    const subject = subjects.busName(message.subject);
    if (subject === undefined) return undefined;
    const { reply } = message;
    const data = plainBytes(message.data);
    const headers = readBusHeaders(message.headers);
    if (reply === undefined || reply === "" || !subjects.isInbox(reply)) {
      return { subject, data, headers };
    }
    const respond: Message["respond"] = (answer, options) => {
      try {
        const response = checkResponse(answer, options, this.#parts.bounds());
        const wire = { subject: reply, data: response.data, headers: busHeaders(response.headers) };
        if (this.#sendNow("bus.respond", wire)) return SENT;
        return this.#sendOnceUp("bus.respond", wire, response.signal);
      } catch (error) {
        return Promise.reject(error);
      }
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
  const operation = REQUEST;
  const message = `${operation}: no answer in ${timeoutMs} ms; whether it ran is unknown`;
  return new QuorateError("TIMEOUT", message, {
    effect: "unknown",
    details: { operation, timeoutMs },
  });
}
