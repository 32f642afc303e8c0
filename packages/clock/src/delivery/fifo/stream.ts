/**
 * One sender's stream, as one member has it: what was taken, what is held back, what is missing.
 *
 * Messages below `next` have been taken and are kept for others for a while; those from `next` on
 * are held back, until what is missing before them arrives or they are let through. Both live in
 * one map, and both are bounded: the log here, the hold-back buffer by the machine, which counts
 * it over all streams.
 */
import type { MemberId } from "../member.ts";

/** What is missing and who was asked for it. */
export interface Gap {
  /** The first missing one. */
  first: number;
  /** The last one asked for. */
  askedThrough: number;
  /** Requests since anything of the gap arrived. */
  attempts: number;
  /** When to ask again. */
  askAtMs: number;
  /** Times that everybody was asked. */
  rounds: number;
  /** Who was asked in this round. */
  readonly asked: Set<MemberId>;
  /** Who has said in this round that `first` is not there, and up to which one none is. */
  readonly gone: Map<MemberId, number>;
  /** The user was told that `first` is lost. */
  lostTold: boolean;
  stalledTold: boolean;
}

/** A stream. */
export class Stream {
  readonly member: MemberId;
  /** Of a member that has left the view: only what others pass on is taken. */
  departed = false;
  /** The first one not taken yet; `undefined` until somebody tells where the stream begins here. */
  next: number | undefined;
  /** The oldest that another member had, for when the origin itself is never heard. */
  fallback: number | undefined;
  /** Ticks spent with nothing but a fallback. */
  waitedTicks = 0;
  gap: Gap | undefined;
  /** Highest number that anybody has told of. */
  known = 0;
  readonly #logMax: number;
  readonly #messages = new Map<number, Uint8Array>();
  #oldest = 1;
  #held = 0;
  #firstMissing = 1;
  /** Up to here, what is missing was given up. */
  #skipThrough = 0;

  constructor(member: MemberId, logMax: number) {
    this.member = member;
    this.#logMax = logMax;
  }

  /** Messages held back. */
  get held(): number {
    return this.#held;
  }

  /** The oldest that may be in the log. */
  get oldest(): number {
    return this.#oldest;
  }

  /** The last one taken; 0 before the stream has begun. */
  get through(): number {
    return (this.next ?? 1) - 1;
  }

  /** The first that is neither taken nor held nor given up. */
  get firstMissing(): number {
    this.#firstMissing = Math.max(this.#firstMissing, this.next ?? 1, this.#skipThrough + 1);
    while (this.#messages.has(this.#firstMissing)) this.#firstMissing += 1;
    return this.#firstMissing;
  }

  /** The last of the run that begins with `firstMissing`, at most `max` long. */
  lastMissing(max: number): number {
    const first = this.firstMissing;
    let last = first;
    while (last < this.known && last - first + 1 < max && !this.#messages.has(last + 1)) last += 1;
    return last;
  }

  /** The stream begins here with `first`. */
  begin(first: number): void {
    this.next = first;
    this.#oldest = first;
    this.known = Math.max(this.known, first - 1);
  }

  /** Taken or held. */
  has(seq: number): boolean {
    return seq < (this.next ?? 1) || this.#messages.has(seq);
  }

  /** The message, if it is held or still in the log. */
  message(seq: number): Uint8Array | undefined {
    return this.#messages.get(seq);
  }

  /** Holds back a message. */
  hold(seq: number, data: Uint8Array): void {
    this.#messages.set(seq, data);
    this.known = Math.max(this.known, seq);
    this.#held += 1;
  }

  /** Takes the message at `next`, which is held. */
  take(): void {
    this.#held -= 1;
    this.#advance((this.next ?? 1) + 1);
  }

  /** Gives up what is missing up to `through`. */
  giveUp(through: number): void {
    this.#skipThrough = Math.max(this.#skipThrough, through);
  }

  /** Steps over what was given up, to the next one that is held or may still come. */
  stepOver(): void {
    const next = this.next ?? 1;
    if (next > this.#skipThrough || this.#messages.has(next)) return;
    let to = this.#skipThrough + 1;
    for (const seq of this.#messages.keys()) if (seq >= next && seq < to) to = seq;
    this.#advance(to);
  }

  #advance(next: number): void {
    this.next = next;
    const floor = next - this.#logMax;
    if (floor <= this.#oldest) return;
    // After a jump there may be more numbers than messages.
    if (floor - this.#oldest <= this.#messages.size) {
      while (this.#oldest < floor) this.#messages.delete(this.#oldest++);
      return;
    }
    for (const seq of this.#messages.keys()) if (seq < floor) this.#messages.delete(seq);
    this.#oldest = floor;
  }
}
