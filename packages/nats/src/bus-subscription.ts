/**
 * One subscription of the bus: made known to the server, then a queue in front of a handler.
 *
 * The client renews it after a reconnect. Messages wait in order for the handler, which sees one
 * at a time; what a handler throws becomes an event.
 *
 * Coming and going are confirmed by the server that this client is connected to. In a cluster that
 * one tells the others, and nobody tells us when they know: we give them `SPREAD_MS`, which is
 * ample on a sound network and proves nothing on a sick one.
 */
import { encodeName, onAbort, publishHandlerFailure, sleep, withDeadline } from "@quorate/core";
import type { CheckedSubscribe, Lifecycle, Message, Runtime, Subscription } from "@quorate/core";
import type { Budget } from "./budget.ts";
import type { NatsMessageLike, NatsSubscriptionLike } from "./connection.ts";
import { refused, unavailable } from "./failures.ts";
import type { Link } from "./link/link.ts";

/** Messages that may wait for a handler, and their bytes; what comes on top is dropped. */
export const MOST_WAITING = 65_536;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** How long the other nodes of a cluster may take to hear of a subscription, or of its end. */
const SPREAD_MS = 25;
/** How long a close waits for the server to hear of it. */
const LEAVE_MS = 1_000;
const UNCONFIRMED = "the server did not confirm the subscription";

/** What the channel `nats` tells of a handler that fell too far behind. */
export interface BusOverflow {
  readonly kind: "bus-overflow";
  readonly target: string;
  readonly dropped: number;
}

/** What a subscription is made of. */
export interface BusSubscriptionParts {
  readonly link: Link;
  readonly lifecycle: Lifecycle;
  readonly runtime: Runtime;
  readonly request: CheckedSubscribe;
  /** The NATS subject. */
  readonly filter: string;
  readonly read: (message: NatsMessageLike) => Message | undefined;
}

/** A live subscription. */
export class BusSubscription implements Subscription {
  readonly subject: string;
  readonly #parts: BusSubscriptionParts;
  readonly #waiting: Message[] = [];
  readonly #off: (() => void)[] = [];
  #subscription: NatsSubscriptionLike | undefined;
  #working: Promise<void> | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;
  #confirmed = false;
  #refusal: string | undefined;
  #waitingBytes = 0;
  #dropped = 0;

  constructor(parts: BusSubscriptionParts) {
    this.#parts = parts;
    this.subject = parts.request.target;
  }

  /** Subscribes; resolves when the server has confirmed. */
  async start(budget: Budget): Promise<this> {
    const { filter, lifecycle, link, request } = this.#parts;
    const { queue, signal } = request;
    this.#off.push(
      link.listen({
        refused: (subject, reason) => {
          if (subject === filter) this.#refusal = reason;
        },
      }),
    );
    try {
      this.#subscription = link.connection.subscribe(filter, {
        ...(queue === undefined ? {} : { queue: encodeName(queue) }),
        callback: (error, message) => {
          if (error === null || error === undefined) this.#onMessage(message);
          else this.#refusal ??= "no permission to subscribe";
        },
      });
      await this.#confirm(budget);
    } catch (error) {
      await this.close();
      throw error;
    }
    const close = (): void => void this.close();
    this.#off.push(onAbort(signal, close), onAbort(lifecycle.stopping, close));
    return this;
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#waiting.length = 0;
    for (const off of this.#off) off();
    try {
      this.#subscription?.unsubscribe();
    } catch {
      // A closed connection has no subscriptions left to end.
    }
    await Promise.all([this.#working, this.#confirmGone()]);
  }

  /** Until the server knows, it deals messages of the queue to a member that drops them. */
  async #confirmGone(): Promise<void> {
    const { lifecycle, link, runtime } = this.#parts;
    if (!this.#confirmed || link.epoch === undefined || lifecycle.stopping.aborted) return;
    const onTimeout = (): Error => new Error(UNCONFIRMED);
    const limits = { timeoutMs: LEAVE_MS, signal: lifecycle.stopping, onTimeout };
    const isKnown = await withDeadline(runtime, link.connection.flush(), limits).then(
      () => true,
      () => false,
    );
    if (isKnown && this.#isClustered) await sleep(runtime, SPREAD_MS);
  }

  get #isClustered(): boolean {
    const cluster = this.#parts.link.connection.info?.cluster;
    return cluster !== undefined && cluster !== "";
  }

  /** A pong proves that the server has read what came before the ping. */
  async #confirm(budget: Budget): Promise<void> {
    const { link, runtime } = this.#parts;
    const operation = "bus.subscribe";
    while (budget.open) {
      if (!(await link.whenUp(budget.leftMs, budget.signal))) break;
      const pong = link.connection.flush().then(
        () => true,
        () => false,
      );
      const { leftMs: timeoutMs, signal } = budget;
      const onTimeout = (): Error => unavailable(operation, UNCONFIRMED);
      const confirmed = await withDeadline(runtime, pong, { timeoutMs, signal, onTimeout });
      if (this.#refusal !== undefined) throw refused(operation, this.#refusal);
      if (confirmed) {
        this.#confirmed = true;
        if (this.#isClustered) await budget.pause(SPREAD_MS);
        return;
      }
      await budget.pause(10);
    }
    budget.signal?.throwIfAborted();
    throw unavailable(operation, UNCONFIRMED);
  }

  #onMessage(raw: NatsMessageLike): void {
    if (this.#closed) return;
    const message = this.#parts.read(raw);
    if (message === undefined) return;
    // Nobody waits, the rule where handlers are quick: no queue, and no turn of the loop.
    if (this.#working === undefined && this.#waiting.length === 0) return this.#deliver(message);
    const bytes = this.#waitingBytes + message.data.byteLength;
    if (this.#waiting.length >= MOST_WAITING || bytes > MOST_WAITING_BYTES) return this.#drop();
    this.#waitingBytes = bytes;
    this.#waiting.push(message);
    this.#start();
  }

  /** Hands over now; whatever the handler waits for, the next message waits for it. */
  #deliver(message: Message): void {
    try {
      const handled = this.#parts.request.handler(message);
      if (handled === undefined) return;
      const failed = (error: unknown): void => this.#failed(message, error);
      this.#busyWith(Promise.resolve(handled).catch(failed));
    } catch (error) {
      this.#failed(message, error);
    }
  }

  #failed({ subject }: Message, error: unknown): void {
    publishHandlerFailure(this.#parts.runtime, { backend: "nats", subject, error });
  }

  #busyWith(work: Promise<void>): void {
    this.#working = work.finally(() => {
      this.#working = undefined;
      this.#start();
    });
  }

  /** One worker at a time; what arrives while it ends begins another. */
  #start(): void {
    if (this.#working !== undefined || this.#waiting.length === 0) return;
    this.#busyWith(this.#work());
  }

  async #work(): Promise<void> {
    const { request } = this.#parts;
    while (this.#waiting.length > 0) {
      // A batch at a time: taking single messages off the front of a long array is slow.
      for (const message of this.#waiting.splice(0)) {
        if (this.#closed) return;
        this.#waitingBytes -= message.data.byteLength;
        try {
          await request.handler(message);
        } catch (error) {
          this.#failed(message, error);
        }
      }
    }
  }

  #drop(): void {
    this.#dropped += 1;
    const channel = this.#parts.runtime.events.channel<BusOverflow>("nats");
    if (!channel.hasSubscribers) return;
    channel.publish({ kind: "bus-overflow", target: this.subject, dropped: this.#dropped });
  }
}
