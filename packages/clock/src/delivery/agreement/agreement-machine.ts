/**
 * Total order by agreement: everybody proposes a number, the highest one holds.
 *
 * A message goes to all. Each member proposes a number above all it has seen; the sender takes the
 * highest proposal, the member's name deciding between equals, and tells all. A member delivers the
 * message with the lowest number once that is final: what is undecided can only rise. No member is
 * special, and all must answer; who does not must be left out by a new view, which the caller
 * tells to all. Then nothing new is delivered until all members of the view have told what they
 * know of messages under way (*flush*), and all have come to the same end of the old view.
 *
 * Guarantees, while all members are told the same views in order: all members of a view that stay
 * in the next deliver the same messages in the same order before the change, also those of a
 * sender that died between the rounds (virtual synchrony); no duplicates; each sender's messages
 * keep their order, and nobody sees an answer before its question. A sender in both views loses
 * nothing. Does not guarantee: anything about what a member delivered that died or was left out
 * (agreement is not uniform: it may have delivered a message that the survivors dropped, or in
 * another order); nor progress while a member of the view is silent.
 *
 * The agreement of Birman and Joseph, "Reliable Communication in the Presence of Failures", ACM
 * TOCS 1987 (after Skeen); the flush after Birman and Joseph's virtual synchrony, SOSP 1987.
 */
import { position, positive, positiveInteger } from "@quorate/core";

import { stepStreams, type GroupView } from "../fifo/fifo-machine.ts";
import { checkStreamOptions } from "../fifo/options.ts";
import { Streams } from "../fifo/streams.ts";
import { checkMember, checkMembers, type MemberId } from "../member.ts";
import {
  type AgreementFrame,
  decodeAgreementFrame,
  encodeAgreementFrame,
  type Item,
} from "./agreement-frames.ts";
import type { AgreementEffect, AgreementInput, AgreementOptions } from "./effects.ts";
import { Flush } from "./flush.ts";
import { Messages } from "./messages.ts";
import { OwnMessages } from "./own-messages.ts";

/** Numbers told in one frame. */
const BATCH = 256;

type Phase =
  | { readonly kind: "normal" }
  | { readonly kind: "flushing"; readonly flush: Flush; readonly isNew: boolean }
  /** Not in the view. `isNew`: never was in one. */
  | { readonly kind: "out"; readonly isNew: boolean };

/** Total order by agreement as one member has it. */
export class AgreementMachine {
  /** Epoch of the last view that was gone through with; 0 before the first. */
  installed: number;
  readonly #streams: Streams;
  readonly #waitingAfterMs: number;
  readonly #messages: Messages;
  readonly #own: OwnMessages;
  readonly #outbox: AgreementFrame[] = [];
  #effects: AgreementEffect[] = [];
  #view: GroupView;
  #phase: Phase;
  #clock = 0;
  #isFlowing = true;
  #behindTold = 0;
  /** When nothing had been waited for last. */
  #quietSinceMs = 0;
  #waitingTold = false;

  constructor({ self, view, pendingMax, waitingAfterMs, ...options }: AgreementOptions) {
    const limit = positiveInteger("pendingMax", pendingMax ?? 64);
    this.#waitingAfterMs = positive("waitingAfterMs", waitingAfterMs ?? 5_000);
    const members = checkMembers("view.members", view.members);
    this.#view = { epoch: position("view.epoch", view.epoch), members };
    const isIn = members.includes(checkMember("self", self));
    this.installed = isIn ? this.#view.epoch : 0;
    this.#phase = isIn ? { kind: "normal" } : { kind: "out", isNew: true };
    this.#messages = new Messages(limit);
    this.#own = new OwnMessages(limit);
    this.#streams = new Streams(self, checkStreamOptions(options), {
      admits: (member, _seq, data) => this.#admits(member, data),
      take: (member, _seq, data) => this.#take(member, data),
    });
    this.#streams.install(members);
  }

  /** One input; what is to be done about it, in order. */
  step(input: AgreementInput, nowMs: number): AgreementEffect[] {
    if (input.kind === "publish") this.#publish(input.data);
    else if (input.kind === "view") this.#install(input.view);
    else if (input.kind === "flow") this.#isFlowing = input.isFlowing;
    else stepStreams(this.#streams, input, nowMs);
    this.#settle(nowMs);
    if (input.kind === "tick") this.#watch(nowMs);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Own messages that are not delivered yet. */
  get pending(): number {
    return this.#own.size;
  }

  /** Messages of all that have no final place yet, or whose turn has not come. */
  get undelivered(): number {
    return this.#messages.size;
  }

  #settle(nowMs: number): void {
    do {
      this.#streams.settle(nowMs);
      this.#gather();
      for (let frame = this.#outbox.shift(); frame; frame = this.#outbox.shift()) {
        this.#streams.publish(encodeAgreementFrame(frame));
      }
      this.#effects.push(...this.#streams.drainEffects());
      this.#deliver();
      this.#endFlush();
    } while (this.#gather());
  }

  #publish(data: Uint8Array): void {
    const { size, limit } = this.#own;
    if (size >= limit) {
      this.#effects.push({ kind: "refused", pending: size, limit });
      return;
    }
    const n = this.#own.add(data);
    this.#effects.push({ kind: "submitted", n });
  }

  /** Puts into frames what is to be said; true if there was anything. */
  #gather(): boolean {
    if (this.#phase.kind === "normal") {
      const { epoch: view, members } = this.#view;
      for (const { n, data } of this.#own.takeUnsent()) {
        this.#clock += 1;
        this.#outbox.push({ kind: "data", view, n, number: this.#clock, data });
      }
      const proposals = this.#messages.takeProposals(BATCH);
      if (proposals.length > 0) this.#outbox.push({ kind: "propose", view, proposals });
      const ranks = this.#own.takeDecided(members, BATCH);
      if (ranks.length > 0) this.#outbox.push({ kind: "final", view, ranks });
    }
    return this.#outbox.length > 0;
  }

  #admits(from: MemberId, data: Uint8Array): boolean {
    const frame = decodeAgreementFrame(data);
    const { epoch } = this.#view;
    if (frame === undefined || frame.view < epoch) return true;
    if (frame.view > epoch) {
      this.#tellBehind(frame.view);
      return false;
    }
    const isFlush = frame.kind === "item" || frame.kind === "flushed";
    if (isFlush || this.#phase.kind === "out") return true;
    if (this.#phase.kind === "flushing") return false;
    return frame.kind !== "data" || this.#messages.hasRoom(from);
  }

  #take(from: MemberId, data: Uint8Array): void {
    const frame = decodeAgreementFrame(data);
    if (frame === undefined || frame.view !== this.#view.epoch) return;
    if (!this.#view.members.includes(from)) return;
    if (this.#phase.kind === "flushing") this.#takeFlush(this.#phase.flush, from, frame);
    else if (this.#phase.kind === "normal") this.#takeNormal(from, frame);
  }

  #takeNormal(from: MemberId, frame: AgreementFrame): void {
    const { self } = this.#streams;
    switch (frame.kind) {
      case "data": {
        const { n, number, data } = frame;
        // Above the sender's number, so above all that the sender had delivered: whoever decides
        // without the sender still puts its message after these.
        this.#clock = from === self ? Math.max(this.#clock, number) : this.#above(number);
        const rank = { number: from === self ? number : this.#clock, by: self };
        if (from === self) this.#own.proposed(n, rank);
        this.#messages.add({ member: from, n, rank, isFinal: false, data }, from !== self);
        return;
      }
      case "propose":
        for (const { member, n, number } of frame.proposals) {
          this.#clock = Math.max(this.#clock, number);
          if (member === self) this.#own.proposed(n, { number, by: from });
        }
        return;
      case "final":
        for (const { n, rank } of frame.ranks) {
          this.#clock = Math.max(this.#clock, rank.number);
          this.#messages.decide(from, n, rank);
        }
        return;
      case "item":
      case "flushed": // Of a flush that has ended.
    }
  }

  #above(number: number): number {
    return Math.max(this.#clock, number) + 1;
  }

  #takeFlush(flush: Flush, from: MemberId, frame: AgreementFrame): void {
    if (frame.kind === "item") flush.add(from, frame.item);
    if (frame.kind !== "flushed") return;
    const { epoch, members } = this.#view;
    const isSame = frame.members.join("\n") === members.join("\n");
    if (isSame) flush.end(from, frame);
    else this.#effects.push({ kind: "view-mismatch", epoch, member: from });
  }

  /** Begins the change to `view`: from here on nothing of the old one is delivered. */
  #install(view: GroupView): void {
    const members = checkMembers("view.members", view.members);
    const epoch = position("view.epoch", view.epoch);
    if (epoch <= this.#view.epoch) return;
    const isNew = this.#phase.kind !== "normal" && this.#phase.isNew;
    // Who was left out has missed what others agreed on since: it comes back as a new member.
    const isOver = this.#phase.kind === "out" && !isNew;
    this.#view = { epoch, members };
    this.#streams.install(members);
    this.#messages.forgetProposals();
    if (isOver || !members.includes(this.#streams.self)) {
      this.#phase = { kind: "out", isNew };
      this.#effects.push({ kind: "excluded", epoch });
      return;
    }
    this.#phase = { kind: "flushing", flush: new Flush(members), isNew };
    if (!isNew) {
      for (const item of this.#messages.known()) {
        this.#outbox.push({ kind: "item", view: epoch, item });
      }
    }
    const { installed } = this;
    this.#outbox.push({ kind: "flushed", view: epoch, members, clock: this.#clock, installed });
  }

  /** When all have told all they know: the old view ends the same for all, the new one begins. */
  #endFlush(): void {
    if (this.#phase.kind !== "flushing" || this.#phase.flush.missing.length > 0) return;
    const decision = this.#phase.flush.decide();
    // Who is new has no part in the old view; what it ended with is not for us.
    this.#messages.end(decision, this.#view, this.#phase.isNew);
    this.#clock = decision.clock;
    this.#phase = { kind: "normal" };
    this.installed = this.#view.epoch;
    this.#deliver();
    this.#effects.push({ kind: "installed", ...this.#view });
  }

  #deliver(): void {
    if (!this.#isFlowing) return;
    const isOpen = this.#phase.kind === "normal";
    for (let item = this.#messages.take(isOpen); item; item = this.#messages.take(isOpen)) {
      const { member, n, data } = item;
      if (member === this.#streams.self) this.#own.delivered(n);
      this.#effects.push({ kind: "deliver", member, n, seq: this.#messages.delivered, data });
    }
  }

  /** Tells when others have kept us waiting for long. */
  #watch(nowMs: number): void {
    const missing = this.#missing();
    if (missing.length === 0) {
      this.#quietSinceMs = nowMs;
      this.#waitingTold = false;
    }
    const forMs = nowMs - this.#quietSinceMs;
    if (this.#waitingTold || forMs < this.#waitingAfterMs) return;
    this.#waitingTold = true;
    this.#effects.push({ kind: "waiting", members: missing, forMs });
  }

  #missing(): MemberId[] {
    if (this.#phase.kind === "flushing") return this.#phase.flush.missing;
    const first: Item | undefined = this.#messages.firstUndecided;
    if (this.#phase.kind === "out" || first === undefined) return [];
    if (first.member !== this.#streams.self) return [first.member];
    return this.#own.missing(first.n, this.#view.members);
  }

  #tellBehind(epoch: number): void {
    if (epoch <= this.#behindTold) return;
    this.#behindTold = epoch;
    this.#effects.push({ kind: "behind", epoch });
  }
}
