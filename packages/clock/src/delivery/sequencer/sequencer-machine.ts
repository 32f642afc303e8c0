/**
 * Total order by a sequencer: one member gives out places, a majority makes them final.
 *
 * Everybody sends its messages to all, in its own stream. The sequencer names the order; whoever
 * has order and messages says so to all; a place that a majority has is final and is delivered.
 * Who the sequencer is comes from outside, with an epoch that only grows, such as the fencing token
 * of a lease. A new one first *seals*: members promise to hear nobody of a lower epoch, and say
 * what they have. From a majority's word it takes the order of the highest epoch, the longest of
 * these, and begins with it. Messages without a place get one from the new sequencer: members keep
 * them, and their senders send them again under the same name.
 *
 * Guarantees, while the caller never gives one epoch to two sequencers: all members deliver the
 * same messages at the same places, without gaps and without duplicates, also members that crash
 * later (agreement is uniform: a place is final before anybody delivers it). Each sender's messages
 * keep their order, and nobody sees an answer before its question. Goes on while the sequencer
 * and a majority of its view are up. Does not guarantee: that a message is delivered whose sender
 * crashed or was left out before a majority had its place; or anything after a majority of a view
 * has lost its memory, which lives in these processes only.
 *
 * After Oki and Liskov, "Viewstamped Replication", PODC 1988; views that change their members as
 * Lamport, Malkhi and Zhou, "Vertical Paxos and Primary-Backup Replication", PODC 2009.
 */
import { inRange, invalidArgument, positiveInteger } from "@quorate/core";

import { stepStreams } from "../fifo/fifo-machine.ts";
import { checkStreamOptions } from "../fifo/options.ts";
import { Streams } from "../fifo/streams.ts";
import { checkMember, checkMembers, type MemberId } from "../member.ts";
import type { SequencerEffect, SequencerInput, SequencerOptions } from "./effects.ts";
import { Leadership } from "./leadership.ts";
import {
  decodeOrderFrame,
  encodeOrderFrame,
  type EpochView,
  MAX_IDS,
  type OrderFrame,
} from "./order-frames.ts";
import { type MessageId, OrderLog, type Snapshot } from "./order-log.ts";
import { majorityThrough } from "./quorums.ts";
import { Submissions } from "./submissions.ts";

/** Places named in one frame. */
const ORDER_BATCH = 256;

/** A sequencer's total order as one member has it. */
export class SequencerMachine {
  readonly #streams: Streams;
  readonly #windowMax: number;
  readonly #log = new OrderLog();
  readonly #submissions: Submissions;
  readonly #leadership = new Leadership();
  readonly #acks = new Map<MemberId, { readonly epoch: number; readonly through: number }>();
  /**
   * Views that may have agreed on something: the last one known to work, and later ones. By their
   * members: a hundred vain attempts with the same members are one view.
   */
  readonly #views = new Map<string, EpochView>();
  readonly #outbox: OrderFrame[] = [];
  #effects: SequencerEffect[] = [];
  /** Nobody below this epoch is heard; `to`: its sequencer. */
  #promised: { readonly epoch: number; readonly to: MemberId | undefined };
  /** The epoch whose order we have. */
  #accepted = 0;
  /** Who counts in it. */
  #members: readonly MemberId[];
  #isEstablished = false;
  /** The last place that the epoch began with. */
  #startLast = 0;
  #acked = { epoch: 0, through: 0 };
  #committed = 0;
  #delivered = 0;
  #isIn: boolean;
  #isBehind = false;
  #isFlowing = true;

  constructor({ self, members, pendingMax, windowMax, ...options }: SequencerOptions) {
    const limit = positiveInteger("pendingMax", pendingMax ?? 128);
    this.#windowMax = inRange("windowMax", windowMax ?? 1_024, 1, MAX_IDS / 4);
    this.#submissions = new Submissions(limit);
    this.#promised = { epoch: 0, to: undefined };
    const first = checkMembers("members", members);
    this.#isIn = first.includes(checkMember("self", self));
    this.#streams = new Streams(self, checkStreamOptions(options), {
      admits: (member, _seq, data) => this.#admits(member, data),
      take: (member, _seq, data) => this.#take(member, data),
    });
    this.#members = first;
    this.#remember({ epoch: 0, members: first });
  }

  /** One input; what is to be done about it, in order. */
  step(input: SequencerInput, nowMs: number): SequencerEffect[] {
    if (input.kind === "publish") this.#publish(input.data);
    else if (input.kind === "lead") this.#lead(input);
    else if (input.kind === "flow") this.#isFlowing = input.isFlowing;
    else stepStreams(this.#streams, input, nowMs);
    this.#settle(nowMs);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Own messages without a final place. */
  get pending(): number {
    return this.#submissions.pending.size;
  }

  /** Who counts in the epoch that we know. */
  get members(): readonly MemberId[] {
    return this.#members;
  }

  /** The last place delivered. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Takes, orders, acknowledges and delivers until nothing more comes of it. */
  #settle(nowMs: number): void {
    do {
      this.#streams.settle(nowMs);
      this.#order();
      this.#acknowledge();
      for (let frame = this.#outbox.shift(); frame; frame = this.#outbox.shift()) {
        this.#streams.publish(encodeOrderFrame(frame));
      }
      this.#commit();
      this.#effects.push(...this.#streams.drainEffects());
      this.#deliver();
    } while (this.#order() || this.#acknowledge() || this.#outbox.length > 0);
  }

  #publish(data: Uint8Array): void {
    const { pending, limit } = this.#submissions;
    if (pending.size >= limit) {
      this.#effects.push({ kind: "refused", pending: pending.size, limit });
      return;
    }
    const n = this.#submissions.add(data);
    this.#effects.push({ kind: "submitted", n });
    this.#outbox.push({ kind: "submit", n, data });
  }

  #lead({ epoch, members }: { readonly epoch: number; readonly members: readonly MemberId[] }) {
    positiveInteger("epoch", epoch);
    const checked = checkMembers("members", members);
    const { self } = this.#streams;
    if (!checked.includes(self)) {
      throw invalidArgument("members", checked, `a list with the sequencer, ${self}`);
    }
    if (epoch <= this.#promised.epoch) {
      this.#effects.push({ kind: "deposed", epoch, by: this.#promised.epoch });
      return;
    }
    const view = { epoch, members: checked };
    this.#leadership.seal(view);
    this.#outbox.push({ kind: "seal", view });
  }

  #admits(member: MemberId, data: Uint8Array): boolean {
    // Only a message can wait. Who is not in yet keeps the newest ones, and reads on.
    if (!this.#isIn) return true;
    const frame = decodeOrderFrame(data);
    return frame?.kind !== "submit" || this.#submissions.hasRoom(member, frame.n);
  }

  #take(from: MemberId, data: Uint8Array): void {
    const frame = decodeOrderFrame(data);
    switch (frame?.kind) {
      case "submit":
        return this.#submissions.take(from, frame.n, frame.data, this.#isIn);
      case "order":
        return this.#takeOrder(from, frame);
      case "ack":
        return this.#takeAck(from, frame);
      case "seal":
        return this.#takeSeal(from, frame.view);
      case "sealed":
        return this.#takeSealed(from, frame);
      case "start":
        return this.#takeStart(from, frame);
      case undefined: // Not ours; its place in the stream is used up.
    }
  }

  #takeOrder(from: MemberId, { epoch, first, ids }: OrderFrame & { kind: "order" }): void {
    const isCurrent = epoch === this.#accepted && epoch === this.#promised.epoch;
    if (!isCurrent || from !== this.#promised.to || first !== this.#log.last + 1) return;
    this.#log.append(ids);
  }

  #takeAck(from: MemberId, { epoch, through }: OrderFrame & { kind: "ack" }): void {
    if (epoch >= (this.#acks.get(from)?.epoch ?? 0)) this.#acks.set(from, { epoch, through });
  }

  /** A promise: nobody of a lower epoch from now on. */
  #takeSeal(from: MemberId, view: EpochView): void {
    const { epoch } = view;
    if (epoch <= this.#promised.epoch) return;
    this.#promise(epoch, from);
    this.#outbox.push({
      kind: "sealed",
      epoch,
      accepted: this.#accepted,
      snapshot: this.#log.snapshot(this.#committed),
      seen: this.#submissions.seen(),
      views: [...this.#views.values()],
    });
    this.#remember(view);
  }

  #takeSealed(from: MemberId, sealed: OrderFrame & { kind: "sealed" }): void {
    if (sealed.epoch > this.#leadership.epoch) this.#deposed(sealed.epoch);
    const start = this.#leadership.sealed(from, sealed);
    if (start !== undefined) this.#outbox.push(start);
  }

  #takeStart(from: MemberId, { view, snapshot }: OrderFrame & { kind: "start" }): void {
    const { epoch, members } = view;
    if (epoch < this.#promised.epoch || epoch <= this.#accepted) return;
    if (epoch === this.#promised.epoch && from !== this.#promised.to) return;
    this.#promise(epoch, from);
    this.#remember(view);
    if (!members.includes(this.#streams.self)) {
      if (this.#isIn) this.#effects.push({ kind: "excluded", epoch });
      this.#isIn = false;
      return;
    }
    if (this.#isIn && this.#accepted > 0 && snapshot.base > this.#committed) {
      return this.#leftBehind(snapshot.base);
    }
    this.#accept(view, snapshot);
  }

  #accept({ epoch, members }: EpochView, snapshot: Snapshot): void {
    this.#log.adopt(snapshot);
    this.#members = members;
    if (!this.#isIn) {
      // What came before is not for us: our user's state must come from elsewhere.
      this.#delivered = snapshot.committed;
      this.#submissions.deliveredAll(this.#log.marksAt(snapshot.committed));
      this.#isBehind = false;
      this.#effects.push({ kind: "entered", epoch, from: snapshot.committed + 1 });
    }
    this.#isIn = true;
    this.#accepted = epoch;
    this.#isEstablished = false;
    this.#startLast = this.#log.last;
    this.#committed = Math.max(this.#committed, snapshot.committed);
    this.#acked = { epoch, through: -1 };
    const { self } = this.#streams;
    for (const [n, data] of this.#submissions.pending) {
      if (n > this.#log.markOf(self)) this.#outbox.push({ kind: "submit", n, data });
    }
  }

  /** The sequencer gives places to messages that have none. */
  #order(): boolean {
    const epoch = this.#accepted;
    const { self } = this.#streams;
    if (this.#promised.epoch !== epoch || this.#promised.to !== self || epoch === 0) return false;
    const room = Math.min(ORDER_BATCH, this.#windowMax - (this.#log.last - this.#committed));
    const ids: MessageId[] = [];
    for (const member of this.#members) {
      let n = this.#log.markOf(member) + 1;
      while (ids.length < room && this.#submissions.has(member, n)) ids.push({ member, n: n++ });
    }
    if (ids.length === 0) return false;
    this.#streams.publish(
      encodeOrderFrame({ kind: "order", epoch, first: this.#log.last + 1, ids }),
    );
    return true;
  }

  /** Tells how far we have both the order and the messages. */
  #acknowledge(): boolean {
    const epoch = this.#accepted;
    if (epoch === 0 || this.#promised.epoch !== epoch || !this.#isIn || this.#isBehind) {
      return false;
    }
    let through = Math.max(this.#delivered, this.#acked.through);
    for (let id = this.#log.at(through + 1); id; id = this.#log.at(through + 1)) {
      if (!this.#submissions.has(id.member, id.n)) break;
      through += 1;
    }
    if (through <= this.#acked.through) return false;
    this.#acked = { epoch, through };
    this.#outbox.push({ kind: "ack", epoch, through });
    return true;
  }

  #commit(): void {
    if (this.#accepted === 0) return;
    const through = majorityThrough(this.#members, (member) => {
      const ack = this.#acks.get(member);
      return ack?.epoch === this.#accepted ? ack.through : undefined;
    });
    // All that the epoch began with first: until a majority of this view has it, messages and all,
    // a majority of the view before must not be forgotten.
    if (through === undefined || through < this.#startLast) return;
    this.#committed = Math.max(this.#committed, Math.min(through, this.#log.last));
    if (this.#isEstablished) return;
    this.#isEstablished = true;
    for (const [key, { epoch }] of this.#views) {
      if (epoch < this.#accepted) this.#views.delete(key);
    }
    this.#install();
    if (this.#leadership.begun(this.#accepted)) {
      this.#effects.push({ kind: "leading", epoch: this.#accepted });
    }
  }

  #deliver(): void {
    while (this.#isIn && this.#isFlowing && !this.#isBehind && this.#delivered < this.#committed) {
      const seq = this.#delivered + 1;
      const id = this.#log.at(seq);
      if (id === undefined) return this.#leftBehind(seq);
      const { member, n } = id;
      const data = this.#submissions.get(member, n);
      if (data === undefined) {
        // Either it is still on its way, or it went by before we could know that we need it.
        if (this.#submissions.wentBy(member, n)) this.#leftBehind(seq);
        return;
      }
      this.#delivered = seq;
      this.#submissions.delivered(member, n, member === this.#streams.self);
      this.#effects.push({ kind: "deliver", member, n, seq, data });
    }
    this.#log.trim(Math.min(this.#delivered, this.#committed) - this.#windowMax);
  }

  #promise(epoch: number, to: MemberId): void {
    this.#promised = { epoch, to };
    if (to !== this.#streams.self) this.#deposed(epoch);
  }

  #deposed(by: number): void {
    const epoch = this.#leadership.end(by);
    if (epoch !== undefined) this.#effects.push({ kind: "deposed", epoch, by });
  }

  #leftBehind(seq: number): void {
    if (this.#isBehind) return;
    this.#isBehind = true;
    this.#effects.push({ kind: "left-behind", seq });
  }

  #remember(view: EpochView): void {
    this.#views.set(view.members.join("\n"), view);
    this.#install();
  }

  /** Hears everybody who is in a view that counts. */
  #install(): void {
    const members = new Set([...this.#views.values()].flatMap((view) => view.members));
    this.#streams.install([...members]);
  }
}
