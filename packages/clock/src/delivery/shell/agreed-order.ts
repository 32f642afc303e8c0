/**
 * Total order on any bus, by agreement of all.
 *
 * No member is special and none must be elected, but all must answer: tell every member the next
 * view when one is gone or comes. See `AgreementMachine` for the guarantees. Where a majority
 * should be enough, take `createTotalOrder`.
 */
import { invalidArgument, type MessageBus } from "@quorate/core";

import { AgreementMachine } from "../agreement/agreement-machine.ts";
import type { AgreementEffect, AgreementInput } from "../agreement/effects.ts";
import type { SendEffect } from "../fifo/effects.ts";
import type { GroupView } from "../fifo/fifo-machine.ts";
import type { MemberId } from "../member.ts";
import { type Placed, Publications } from "./publications.ts";
import type { PublishWait } from "./broadcast.ts";
import type { AgreedOrderNotice } from "./events.ts";
import { checkGroup, type GroupOptions } from "./options.ts";
import { Station } from "./station.ts";

/** A message that all agree on. */
export interface AgreedDelivery {
  /** How many messages were delivered here, this one included. */
  readonly seq: number;
  /** Who sent it: node and life. */
  readonly member: MemberId;
  /** Its number among this member's messages, from 1. With `member` it names the message. */
  readonly n: number;
  /** The message: a copy of your own. */
  readonly data: Uint8Array;
}

/** Options of an agreed order. */
export interface AgreedOrderOptions extends GroupOptions<AgreedDelivery, AgreedOrderNotice> {
  /** The view of now, the same at all. Without ourselves: we join when a view has us. */
  readonly view: GroupView;
  /** Own messages that are not delivered yet, at most; then `publish` waits. @default 64 */
  readonly pendingMax?: number;
  /** Silence of others after which `waiting` is told. @default 5000 */
  readonly waitingAfterMs?: number;
}

/** One member of a group that agrees. */
export interface AgreedOrder extends AsyncDisposable {
  /** Our name in this life. */
  readonly self: MemberId;
  /** Messages in order, where no `handler` was given. One reader; ends with `close`. */
  readonly deliveries: AsyncIterableIterator<AgreedDelivery>;
  /**
   * Sends to all; resolves once all have agreed on its place and it was delivered here. Waits while
   * too many of ours are under way, and while a member of the view does not answer.
   *
   * @throws TOO_LARGE more than `maxMessageBytes`. Effect `none`.
   * @throws ABORTED by `signal`. Effect `none` before it was sent, `unknown` after.
   * @throws OUTCOME_UNKNOWN we were left out of a view, or closed. Others may deliver it.
   * @throws CLOSED the group was closed, or we were left out, before. Effect `none`.
   */
  publish(data: Uint8Array, options?: PublishWait): Promise<Placed>;
  /**
   * Goes over to the next view; every member that stays or comes must be told the same. Resolves
   * once all of them have told what they know, and the old view has ended the same for all.
   * An epoch that is not higher than the present one changes nothing.
   *
   * @throws CLOSED we are not in the view: open the group again as a new member.
   * @throws the signal's reason, if it aborts first; the change goes on.
   */
  install(view: GroupView, options?: PublishWait): Promise<void>;
  /**
   * Hears and says nothing more. Resolves when a handler at work has ended, so a handler must not
   * wait for it. Twice is fine.
   */
  close(): Promise<void>;
}

/**
 * Total order by agreement (ISIS): the same messages, in the same order, at all members of a view.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @throws STORE_UNAVAILABLE the bus could not subscribe.
 *
 * @example
 * import { createAgreedOrder, memberId } from "@quorate/clock";
 * import { memoryBackend } from "@quorate/memory";
 * const { bus, runtime } = memoryBackend();
 * const order = await createAgreedOrder(bus, {
 *   group: "votes",
 *   self: "a",
 *   boot: "1",
 *   view: { epoch: 1, members: [memberId("a", "1")] },
 *   runtime,
 * });
 * const { seq } = await order.publish(new TextEncoder().encode("yes"));
 * console.log(seq); // 1
 * await order.close();
 */
export async function createAgreedOrder(
  bus: MessageBus,
  options: AgreedOrderOptions,
): Promise<AgreedOrder> {
  const order = new AgreeingGroup(bus, options);
  await order.start();
  return order;
}

/** Effects that are not the station's own. */
type Heard = Exclude<AgreementEffect, SendEffect>;

class AgreeingGroup implements AgreedOrder {
  readonly self: MemberId;
  readonly deliveries: AsyncIterableIterator<AgreedDelivery>;
  readonly #machine: AgreementMachine;
  readonly #station: Station<AgreementInput, Heard, AgreedDelivery, AgreedOrderNotice>;
  readonly #own: Publications;

  constructor(bus: MessageBus, options: AgreedOrderOptions) {
    const group = checkGroup<AgreedDelivery, AgreedOrderNotice, AgreedOrderOptions>(options, [
      "view",
      "pendingMax",
      "waitingAfterMs",
    ]);
    const { pendingMax = 64, waitingAfterMs = 5_000 } = options;
    this.self = group.self;
    const view = checkView(options.view);
    const { self, streams } = group;
    this.#machine = new AgreementMachine({ self, view, pendingMax, waitingAfterMs, ...streams });
    this.#station = new Station({
      order: "agreement",
      bus,
      group,
      step: (input, nowMs) => this.#machine.step(input, nowMs),
      onEffect: (effect) => this.#onEffect(effect),
    });
    this.#own = new Publications({
      desk: this.#station,
      what: "the agreed order",
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

  async install(view: GroupView, options: PublishWait = {}): Promise<void> {
    this.#own.assertIn();
    const checked = checkView(view);
    this.#station.input({ kind: "view", view: checked });
    const isDone = (): boolean => this.#own.isOver || this.#machine.installed >= checked.epoch;
    await this.#station.until(isDone, options.signal);
    this.#own.assertIn();
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
      case "deliver": {
        const { seq, member, n } = effect;
        // A copy: the bytes are kept for others, who must not see what the user makes of them.
        this.#station.outlet.push({ seq, member, n, data: effect.data.slice() });
        if (member === this.self) this.#own.placed(n, seq);
        return this.#station.changed();
      }
      case "submitted":
        return this.#own.submitted(effect.n);
      case "excluded":
        this.#own.end("this member was left out of a view", "we were left out of a view");
        break;
      case "stranger":
      case "refused": // `publish` has looked for room.
        return;
      case "installed":
      case "behind":
      case "view-mismatch":
      case "waiting":
      case "joined":
      case "lost":
      case "stalled":
      case "hold-back-full": // The user's business alone.
    }
    this.#station.notice(effect);
    this.#station.changed();
  }
}

function checkView(view: GroupView): GroupView {
  if (typeof view === "object" && view !== null) return view;
  throw invalidArgument("view", view, "an object with epoch and members");
}
