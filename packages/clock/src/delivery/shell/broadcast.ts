/**
 * FIFO and causal broadcast on any bus.
 *
 * Open one in each process, with the same group name and the nodes that may speak. What is
 * published arrives everywhere, at the publisher too, in the order that the name says; what the bus
 * loses is sent again. See `FifoMachine` and `CausalMachine` for what is guaranteed and what not,
 * and `docs/delivery-orders.md` for which to take.
 *
 * Who opens later begins with what the others' logs still hold, and is told where (`joined`). After
 * a restart that is: the same messages once more. Make taking a message safe to repeat.
 */
import { invalidArgument, type MessageBus, raceAbort } from "@quorate/core";

import { CausalMachine } from "../causal/causal-machine.ts";
import type { SendEffect } from "../fifo/effects.ts";
import {
  type BroadcastEffect,
  type BroadcastInput,
  FifoMachine,
  type MachineOptions,
} from "../fifo/fifo-machine.ts";
import type { NodeId } from "../../node-id.ts";
import { checkMember, type MemberId } from "../member.ts";
import type { Frame } from "../wire/frames.ts";
import type { BroadcastNotice } from "./events.ts";
import { checkNodes, Lives, MAX_NODES } from "./lives.ts";
import { checkGroup, type GroupOptions } from "./options.ts";
import { Station } from "./station.ts";

/** A message that arrived in its order. */
export interface Delivery {
  /** Who sent it: node and life. */
  readonly member: MemberId;
  /** Its number among this member's messages, from 1. */
  readonly seq: number;
  /** The message: a copy of your own. */
  readonly data: Uint8Array;
}

/** Options of FIFO and causal broadcast. */
export interface BroadcastOptions extends GroupOptions<Delivery, BroadcastNotice> {
  /** Nodes that are heard, 64 at most; `self` may be among them or not. */
  readonly members: readonly NodeId[];
}

/** How a message is published. */
export interface PublishWait {
  /** Ends the wait for room. Before that nothing was sent (`ABORTED`, effect `none`). */
  readonly signal?: AbortSignal | undefined;
}

/** One member of a FIFO or causal group. */
export interface Broadcast extends AsyncDisposable {
  /** Our name in this life. */
  readonly self: MemberId;
  /** Members heard so far. */
  readonly members: readonly MemberId[];
  /** Messages in order, where no `handler` was given. One reader; ends with `close`. */
  readonly deliveries: AsyncIterableIterator<Delivery>;
  /**
   * Sends to all, and delivers here. Waits while the user here is behind with reading. Resolves
   * with its number once it is in the log and was offered to the bus: from then on it arrives at
   * everybody who is heard from before the log moves past it, also over an outage.
   *
   * @throws TOO_LARGE more than `maxMessageBytes`. Effect `none`.
   * @throws ABORTED by `signal` while it waited. Effect `none`.
   * @throws CLOSED the group was closed. Effect `none`.
   */
  publish(data: Uint8Array, options?: PublishWait): Promise<{ readonly seq: number }>;
  /**
   * Gives up messages of `member` up to `through`, told as `lost` or `stalled`: what was held back
   * behind them is delivered. They are never delivered here, not even if they turn up.
   */
  skip(member: MemberId, through: number): void;
  /** These nodes are heard from now on. What others know of a node that left still arrives. */
  setMembers(nodes: readonly NodeId[]): void;
  /**
   * Hears and says nothing more. Resolves when a handler at work has ended, so a handler must not
   * wait for it. Twice is fine.
   */
  close(): Promise<void>;
}

/**
 * FIFO broadcast: each member's messages in the order of sending; no order between members.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @throws STORE_UNAVAILABLE the bus could not subscribe.
 *
 * @example
 * import { createFifoBroadcast } from "@quorate/clock";
 * import { memoryBackend } from "@quorate/memory";
 * const { bus, runtime } = memoryBackend();
 * const group = await createFifoBroadcast(bus, {
 *   group: "prices",
 *   self: "a",
 *   members: ["a", "b"],
 *   runtime,
 * });
 * await group.publish(new TextEncoder().encode("12.50"));
 * for await (const { seq } of group.deliveries) {
 *   console.log(seq); // 1
 *   await group.close();
 * }
 */
export function createFifoBroadcast(
  bus: MessageBus,
  options: BroadcastOptions,
): Promise<Broadcast> {
  return open("fifo", bus, options, (machine) => new FifoMachine(machine));
}

/**
 * Causal broadcast: FIFO, and nobody sees an answer before its question.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @throws STORE_UNAVAILABLE the bus could not subscribe.
 *
 * @example
 * import { createCausalBroadcast } from "@quorate/clock";
 * import { memoryBackend } from "@quorate/memory";
 * const { bus, runtime } = memoryBackend();
 * const heard: string[] = [];
 * const group = await createCausalBroadcast(bus, {
 *   group: "chat",
 *   self: "a",
 *   members: ["a", "b"],
 *   runtime,
 *   handler: ({ data }) => void heard.push(new TextDecoder().decode(data)),
 * });
 * await group.publish(new TextEncoder().encode("hello"));
 * await group.close();
 */
export function createCausalBroadcast(
  bus: MessageBus,
  options: BroadcastOptions,
): Promise<Broadcast> {
  return open("causal", bus, options, (machine) => new CausalMachine(machine));
}

async function open(
  order: "fifo" | "causal",
  bus: MessageBus,
  options: BroadcastOptions,
  create: (options: MachineOptions) => FifoMachine | CausalMachine,
): Promise<Broadcast> {
  const group = new BroadcastGroup(order, bus, options, create);
  await group.start();
  return group;
}

/** Effects that are not the station's own. */
type Heard = Exclude<BroadcastEffect, SendEffect>;

class BroadcastGroup implements Broadcast {
  readonly self: MemberId;
  readonly deliveries: AsyncIterableIterator<Delivery>;
  readonly #machine: FifoMachine | CausalMachine;
  readonly #lives: Lives;
  readonly #station: Station<BroadcastInput, Heard, Delivery, BroadcastNotice>;
  readonly #nowMs: () => number;
  #epoch = 0;
  #isAdmitted = false;

  constructor(
    order: "fifo" | "causal",
    bus: MessageBus,
    options: BroadcastOptions,
    create: (options: MachineOptions) => FifoMachine | CausalMachine,
  ) {
    const group = checkGroup<Delivery, BroadcastNotice, BroadcastOptions>(options, ["members"]);
    this.self = group.self;
    this.#nowMs = () => group.runtime.time.monotonicMs();
    this.#lives = new Lives(this.#checkNodes(options.members), group.tickMs);
    this.#machine = create({ self: group.self, members: [], ...group.streams });
    this.#station = new Station({
      order,
      bus,
      group,
      step: (input, nowMs) => {
        if (input.kind === "tick" && this.#lives.forgetSilent(nowMs)) this.#install();
        return this.#machine.step(input, nowMs);
      },
      onEffect: (effect) => this.#onEffect(effect),
      onFrame: (frame) => this.#onFrame(frame),
    });
    this.deliveries = this.#station.outlet.deliveries;
  }

  get members(): readonly MemberId[] {
    return this.#lives.members;
  }

  start(): Promise<void> {
    return this.#station.start();
  }

  async publish(data: Uint8Array, options: PublishWait = {}): Promise<{ readonly seq: number }> {
    const station = this.#station;
    const checked = station.checkData(data);
    await station.untilRoom(() => station.outlet.isFlowing, options.signal);
    station.input({ kind: "publish", data: checked });
    const seq = this.#machine.published;
    // Called off or not: it is in the log, and will be sent again where it is missed.
    await raceAbort(station.sent(), options.signal).catch(() => {});
    return { seq };
  }

  skip(member: MemberId, through: number): void {
    this.#station.lifecycle.assertOpen();
    checkMember("member", member);
    if (!Number.isSafeInteger(through) || through < 1) {
      throw invalidArgument("through", through, "a safe integer > 0");
    }
    this.#station.input({ kind: "skip", member, through });
  }

  setMembers(nodes: readonly NodeId[]): void {
    this.#station.lifecycle.assertOpen();
    this.#lives.setNodes(this.#checkNodes(nodes));
    this.#install();
  }

  close(): Promise<void> {
    return this.#station.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #onEffect(effect: Heard): void {
    if (effect.kind === "deliver") {
      const { member, seq } = effect;
      // A copy: the bytes are kept for others, who must not see what the user makes of them.
      this.#station.outlet.push({ member, seq, data: effect.data.slice() });
    } else if (effect.kind === "stranger") {
      this.#isAdmitted = this.#lives.heard(effect.member, this.#nowMs());
    } else this.#station.notice(effect);
  }

  /** A frame of somebody who was a stranger until now is looked at once more. */
  #onFrame(frame: Frame): void {
    if (this.#isAdmitted) {
      this.#isAdmitted = false;
      this.#install();
      this.#station.input({ kind: "receive", frame });
    } else if (frame.kind === "digest" && frame.from !== this.self) {
      this.#lives.heard(frame.from, this.#nowMs());
    }
  }

  #install(): void {
    this.#epoch += 1;
    const view = { epoch: this.#epoch, members: this.#lives.members };
    this.#station.input({ kind: "view", view });
  }

  #checkNodes(nodes: readonly NodeId[]): readonly NodeId[] {
    if (Array.isArray(nodes) && nodes.length <= MAX_NODES) return checkNodes("members", nodes);
    throw invalidArgument("members", nodes, `an array of at most ${MAX_NODES} node ids`);
  }
}
