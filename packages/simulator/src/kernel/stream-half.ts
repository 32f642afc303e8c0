/**
 * One direction of a stream connection: what was sent arrives once, in order, late, or not at all.
 *
 * Only the first message that is under way has an event; the next gets one when it has arrived.
 * So order needs no sequence numbers, and a partition needs no search: the first message finds
 * the way blocked and waits there, with all the others behind it, until the way is free again.
 */
import { delayUs, streamDelayUs } from "./conditions.ts";
import type { Route } from "./route.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimEvent } from "./sim-event.ts";

/** Messages under way in one direction; one more, and the connection is reset. */
export const MAX_UNDER_WAY = 100_000;

interface Message {
  readonly deliver: () => void;
  readonly label: string;
  readonly id: number;
  readonly readyUs: number;
}

/** What a direction asks of its connection. */
export interface StreamHost {
  readonly scheduler: Scheduler;
  nextMessageId(): number;
  /** The first message waits at a block; `release` is to be called when the way is free. */
  stalled(half: StreamHalf): void;
  /** More than `MAX_UNDER_WAY` are waiting. */
  overflowed(): void;
}

/** Messages from one node to another, in order. */
export class StreamHalf {
  readonly route: Route;
  readonly #host: StreamHost;
  #queue: Message[] = [];
  #first = 0;
  #event: SimEvent | undefined;
  #stalled = false;

  constructor(route: Route, host: StreamHost) {
    this.route = route;
    this.#host = host;
  }

  /** Messages under way. */
  get size(): number {
    return this.#queue.length - this.#first;
  }

  /** A message leaves. */
  send(deliver: () => void, label: string): void {
    const { route, size } = this;
    const { scheduler } = this.#host;
    if (size >= MAX_UNDER_WAY) return this.#host.overflowed();
    const takesUs = streamDelayUs(route.conditions, route.key, route.nextCount());
    const id = this.#host.nextMessageId();
    this.#queue.push({ deliver, label, id, readyUs: scheduler.nowUs + takesUs });
    this.#trace("send", label, id);
    if (size === 0) this.#arm();
  }

  /** All that is under way is lost. */
  clear(): void {
    if (this.#event !== undefined) this.#host.scheduler.cancel(this.#event);
    if (this.#host.scheduler.witness.trace !== undefined) {
      for (const { label, id } of this.#queue.slice(this.#first)) this.#trace("drop", label, id);
    }
    this.#event = undefined;
    this.#stalled = false;
    this.#queue = [];
    this.#first = 0;
  }

  /** The way may be free again. */
  release(): void {
    if (!this.#stalled || this.route.isBlocked) return;
    this.#stalled = false;
    // The sender learns of it by its next try.
    const againUs = delayUs(this.route.conditions, this.route.key, this.route.nextCount());
    this.#schedule(againUs);
  }

  #arm(): void {
    const first = this.#queue[this.#first];
    if (first !== undefined) this.#schedule(first.readyUs - this.#host.scheduler.nowUs);
  }

  #schedule(inUs: number): void {
    this.#event = this.route.to.schedule(Math.max(0, inUs), "message", this.#arrive);
  }

  // Made once: a closure per message would be the costliest part of it.
  readonly #arrive = (): void => {
    this.#event = undefined;
    if (this.route.isBlocked) {
      this.#stalled = true;
      return this.#host.stalled(this);
    }
    const message = this.#queue[this.#first] as Message;
    this.#first += 1;
    if (this.#first === this.#queue.length || this.#first > 1_024) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    this.#arm();
    this.#trace("receive", message.label, message.id);
    message.deliver();
  };

  #trace(kind: "send" | "receive" | "drop", text: string, message: number): void {
    const { witness, nowUs } = this.#host.scheduler;
    if (witness.trace === undefined) return;
    const here = kind === "send" ? this.route.from : this.route.to;
    const there = kind === "send" ? this.route.to : this.route.from;
    const at = { atMs: nowUs / 1_000, node: here.name, peer: there.name };
    witness.trace.add({ ...at, kind, text, message });
  }
}
