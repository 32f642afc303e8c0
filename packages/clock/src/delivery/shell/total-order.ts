/**
 * Total order on any bus, by a sequencer.
 *
 * Open one in each process with the members of now; have one of them `lead`, with an epoch that
 * only grows: the fencing token of the lease that made it leader. All members then deliver the same
 * messages at the same places. See `SequencerMachine` for the guarantees.
 *
 * Members are lives, not nodes: who restarts has lost what it had promised, and must not be counted
 * as who it was. Give each life a `boot` that the others learn from outside (its lease, its entry
 * in a registry), and bring it in by leading a new epoch with the new list of members.
 */
import { type MessageBus, position, QuorateError } from "@quorate/core";

import type { SendEffect } from "../fifo/effects.ts";
import type { MemberId } from "../member.ts";
import type { OrderedEffect, SequencerEffect, SequencerInput } from "../sequencer/effects.ts";
import { SequencerMachine } from "../sequencer/sequencer-machine.ts";
import { type Placed, Publications } from "./publications.ts";
import type { PublishWait } from "./broadcast.ts";
import type { TotalOrderNotice } from "./events.ts";
import { checkGroup, type GroupOptions } from "./options.ts";
import { Station } from "./station.ts";

/** A message at its place. */
export interface OrderedDelivery {
  /** Its place, from 1; the same at every member. */
  readonly seq: number;
  /** Who sent it: node and life. */
  readonly member: MemberId;
  /** Its number among this member's messages, from 1. With `member` it names the message. */
  readonly n: number;
  /** The message: a copy of your own. */
  readonly data: Uint8Array;
}

/** Options of a sequencer's order. */
export interface TotalOrderOptions extends GroupOptions<OrderedDelivery, TotalOrderNotice> {
  /** Who counts now. Without ourselves: we join when somebody leads with us. */
  readonly members: readonly MemberId[];
  /** Own messages without a place, at most; then `publish` waits. @default 128 */
  readonly pendingMax?: number;
  /** Places under way, and places remembered for those who lag. @default 1024 */
  readonly windowMax?: number;
}

/** How to lead. */
export interface LeadOptions {
  /** Higher than all before; never the same for two members. */
  readonly epoch: number;
  /** Who counts from then on. @default as before */
  readonly members?: readonly MemberId[];
  /** Ends the wait, not the attempt. */
  readonly signal?: AbortSignal | undefined;
}

/** One member of a totally ordered group. */
export interface TotalOrder extends AsyncDisposable {
  /** Our name in this life. */
  readonly self: MemberId;
  /** Messages in order, where no `handler` was given. One reader; ends with `close`. */
  readonly deliveries: AsyncIterableIterator<OrderedDelivery>;
  /**
   * Sends to all; resolves with its place once that is final and it was delivered here. Waits while
   * too many of ours have none, and for as long as nobody leads.
   *
   * @throws TOO_LARGE more than `maxMessageBytes`. Effect `none`.
   * @throws ABORTED by `signal`. Effect `none` before it was sent, `unknown` after.
   * @throws OUTCOME_UNKNOWN we were left out, lag too much, or were closed. It may get its place.
   * @throws CLOSED the group was closed, or we were left out, before. Effect `none`.
   */
  publish(data: Uint8Array, options?: PublishWait): Promise<Placed>;
  /**
   * Makes us the sequencer of `epoch`. Resolves once a majority has the order that the epoch begins
   * with; from then on nothing of a lower epoch gets a place. Being deposed later is a notice.
   *
   * @throws STALE_TOKEN somebody has promised to a higher epoch. Effect `none`.
   * @throws the signal's reason, if it aborts first; we may still come to lead.
   */
  lead(options: LeadOptions): Promise<void>;
  /**
   * Hears and says nothing more. Resolves when a handler at work has ended, so a handler must not
   * wait for it. Twice is fine.
   */
  close(): Promise<void>;
}

/**
 * Total order by a sequencer: the same messages, in the same order, everywhere.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @throws STORE_UNAVAILABLE the bus could not subscribe.
 *
 * @example
 * import { createTotalOrder, memberId } from "@quorate/clock";
 * import { memoryBackend } from "@quorate/memory";
 * const { bus, runtime } = memoryBackend();
 * const order = await createTotalOrder(bus, {
 *   group: "bids",
 *   self: "a",
 *   boot: "1",
 *   members: [memberId("a", "1")],
 *   runtime,
 * });
 * await order.lead({ epoch: 1 });
 * const { seq } = await order.publish(new TextEncoder().encode("100"));
 * console.log(seq); // 1
 * await order.close();
 */
export async function createTotalOrder(
  bus: MessageBus,
  options: TotalOrderOptions,
): Promise<TotalOrder> {
  const order = new SequencedGroup(bus, options);
  await order.start();
  return order;
}

/** Effects that are not the station's own. */
type Heard = Exclude<SequencerEffect, SendEffect>;

class SequencedGroup implements TotalOrder {
  readonly self: MemberId;
  readonly deliveries: AsyncIterableIterator<OrderedDelivery>;
  readonly #machine: SequencerMachine;
  readonly #station: Station<SequencerInput, Heard, OrderedDelivery, TotalOrderNotice>;
  readonly #group: string;
  readonly #own: Publications;
  #led = 0;
  #deposed = { epoch: 0, by: 0 };

  constructor(bus: MessageBus, options: TotalOrderOptions) {
    const group = checkGroup<OrderedDelivery, TotalOrderNotice, TotalOrderOptions>(options, [
      "members",
      "pendingMax",
      "windowMax",
    ]);
    const { pendingMax = 128, windowMax = 1_024 } = options;
    this.self = group.self;
    this.#group = group.group;
    const { self, streams } = group;
    const { members } = options;
    const bounds = { pendingMax, windowMax };
    this.#machine = new SequencerMachine({ self, members, ...bounds, ...streams });
    this.#station = new Station({
      order: "sequencer",
      bus,
      group,
      step: (input, nowMs) => this.#machine.step(input, nowMs),
      onEffect: (effect) => this.#onEffect(effect),
    });
    this.#own = new Publications({
      desk: this.#station,
      what: "the total order",
      limit: pendingMax,
      pending: () => this.#machine.pending,
      send: (data) => this.#station.input({ kind: "publish", data }),
    });
    this.deliveries = this.#station.outlet.deliveries;
  }

  start(): Promise<void> {
    return this.#station.start();
  }

  publish(data: Uint8Array, options: PublishWait = {}): Promise<Placed> {
    return this.#own.publish(data, options);
  }

  async lead({ epoch, members = this.#machine.members, signal }: LeadOptions): Promise<void> {
    const station = this.#station;
    this.#own.assertIn();
    position("epoch", epoch);
    station.input({ kind: "lead", epoch, members });
    const isSettled = (): boolean => {
      return this.#led >= epoch || this.#deposed.epoch >= epoch || this.#own.isOver;
    };
    await station.until(isSettled, signal);
    if (this.#led === epoch) return;
    const by = Math.max(this.#deposed.by, this.#led);
    this.#own.assertIn();
    const message = `epoch ${epoch} is too low to lead: a member has promised to ${by}`;
    const details = { resource: this.#group, fencingToken: epoch, floor: by };
    throw new QuorateError("STALE_TOKEN", message, { effect: "none", details });
  }

  async close(): Promise<void> {
    const closing = this.#station.close();
    this.#own.giveUp("the group was closed");
    await closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #onEffect(effect: Heard): void {
    switch (effect.kind) {
      case "deliver":
        return this.#deliver(effect);
      case "submitted":
        return this.#own.submitted(effect.n);
      case "leading":
        this.#led = effect.epoch;
        break;
      case "deposed":
        this.#deposed = effect;
        break;
      case "excluded":
      case "left-behind":
        this.#own.end(effect.kind === "excluded" ? "we were left out" : "we lag too much");
        break;
      case "stranger":
      case "refused": // `publish` has looked for room.
        return;
      case "entered":
      case "joined":
      case "lost":
      case "stalled":
      case "hold-back-full": // The user's business alone.
    }
    this.#station.notice(effect);
    this.#station.changed();
  }

  #deliver({ seq, member, n, data }: OrderedEffect): void {
    // A copy: the bytes are kept for others, who must not see what the user makes of them.
    this.#station.outlet.push({ seq, member, n, data: data.slice() });
    if (member !== this.self) return;
    this.#own.placed(n, seq);
    this.#station.changed();
  }
}
