/**
 * FIFO broadcast: what one member sends, every member takes in the order in which it was sent.
 *
 * The plainest order: nothing is said about messages of different senders. A pure machine: it is
 * handed messages, frames and time, and answers with effects.
 *
 * Guarantees: per sender in order, each message at most once; a hole is repaired, or told as `lost`
 * and held open until `skip`. Does not guarantee: any order across senders, or that members that
 * were cut off for longer than logs reach miss nothing.
 *
 * Hadzilacos and Toueg, "A Modular Approach to Fault-Tolerant Broadcasts and Related Problems",
 * 1994, §3.
 */
import { checkMember, checkMembers, type MemberId } from "../member.ts";
import type { Frame } from "../wire/frames.ts";
import type { StreamEffect } from "./effects.ts";
import { checkStreamOptions, type StreamOptions } from "./options.ts";
import { Streams } from "./streams.ts";

/** Who is in the group; each view has a higher epoch than the one before. */
export interface GroupView {
  /** Grows with each view; from 1. */
  readonly epoch: number;
  /** Each once, in any order. */
  readonly members: readonly MemberId[];
}

/** What a FIFO or causal machine is handed. */
export type BroadcastInput =
  | { readonly kind: "publish"; readonly data: Uint8Array }
  | { readonly kind: "receive"; readonly frame: Frame }
  | { readonly kind: "tick" }
  /** Who is in the group from now on. An epoch that is not higher changes nothing. */
  | { readonly kind: "view"; readonly view: GroupView }
  /** Gives up messages up to `through` that were told as lost. */
  | { readonly kind: "skip"; readonly member: MemberId; readonly through: number }
  /** Whether the user takes messages at the moment. */
  | { readonly kind: "flow"; readonly isFlowing: boolean };

/** A message for the user. */
export interface DeliverEffect {
  readonly kind: "deliver";
  /** Who sent it. */
  readonly member: MemberId;
  /** Its number in the sender's stream, from 1. */
  readonly seq: number;
  /** The message. Kept for others, too: do not write into it. */
  readonly data: Uint8Array;
}

/** What a FIFO or causal machine asks for. */
export type BroadcastEffect = StreamEffect | DeliverEffect;

/** What the machines need to know. */
export interface MachineOptions extends StreamOptions {
  /** Our name in this life. */
  readonly self: MemberId;
  /** The first view's members; `self` may be among them or not. */
  readonly members: readonly MemberId[];
}

/** FIFO broadcast as one member has it. */
export class FifoMachine {
  readonly #streams: Streams;
  readonly #delivered: DeliverEffect[] = [];
  #epoch = 0;

  constructor({ self, members, ...options }: MachineOptions) {
    this.#streams = new Streams(checkMember("self", self), checkStreamOptions(options), {
      admits: () => true,
      take: (member, seq, data) => {
        this.#delivered.push({ kind: "deliver", member, seq, data });
      },
    });
    this.#streams.install(checkMembers("members", members));
  }

  /** One input; what is to be done about it, in order. */
  step(input: BroadcastInput, nowMs: number): BroadcastEffect[] {
    const streams = this.#streams;
    if (input.kind === "publish") streams.publish(input.data);
    else if (input.kind === "view") this.#install(input.view);
    else stepStreams(streams, input, nowMs);
    streams.settle(nowMs);
    return [...streams.drainEffects(), ...this.#delivered.splice(0)];
  }

  /** Number of our own last message. */
  get published(): number {
    return this.#streams.published;
  }

  /** Messages held back; never more than `holdBackMax`. */
  get held(): number {
    return this.#streams.held;
  }

  #install({ epoch, members }: GroupView): void {
    const checked = checkMembers("members", members);
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#streams.install(checked);
  }
}

/** Inputs that mean the same under every order. */
export type StreamInput = Extract<
  BroadcastInput,
  { readonly kind: "receive" | "tick" | "skip" | "flow" }
>;

/** Hands such an input on. */
export function stepStreams(streams: Streams, input: StreamInput, nowMs: number): void {
  switch (input.kind) {
    case "receive":
      return streams.receive(input.frame, nowMs);
    case "tick":
      return streams.tick();
    case "skip":
      return streams.giveUp(input.member, input.through);
    case "flow":
      return streams.flow(input.isFlowing);
  }
}
