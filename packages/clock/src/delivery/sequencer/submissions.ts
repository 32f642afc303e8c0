/**
 * Messages on their way to a place: our own, and everybody's.
 *
 * Per sender numbered from 1. A sender has at most `limit` that it has not seen delivered, so
 * others need to keep twice as many at most: of more than that, the older half has its place
 * already, and what it takes to deliver it is here or comes on another stream.
 */
import type { MemberId } from "../member.ts";
import type { MessageId } from "./order-log.ts";

/** Messages without a final place. */
export class Submissions {
  readonly limit: number;
  /** Our own, by number, oldest first. */
  readonly pending: Map<number, Uint8Array> = new Map<number, Uint8Array>();
  readonly #waiting = new Map<MemberId, Map<number, Uint8Array>>();
  readonly #delivered = new Map<MemberId, number>();
  readonly #highest = new Map<MemberId, number>();
  #count = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Our next message; returns its number. */
  add(data: Uint8Array): number {
    this.#count += 1;
    this.pending.set(this.#count, data);
    return this.#count;
  }

  /** False while so many of `member` wait that another must wait in its stream. */
  hasRoom(member: MemberId, n: number): boolean {
    const waiting = this.#waiting.get(member);
    if (waiting === undefined || waiting.size < 2 * this.limit) return true;
    return this.#isKnown(member, n);
  }

  /** Keeps a message. `bounded` is false for who cannot deliver yet: then the oldest goes. */
  take(member: MemberId, n: number, data: Uint8Array, bounded: boolean): void {
    if (this.#isKnown(member, n)) return;
    const waiting = this.#waiting.get(member) ?? new Map<number, Uint8Array>();
    this.#waiting.set(member, waiting);
    waiting.set(n, data);
    this.#highest.set(member, Math.max(n, this.#highest.get(member) ?? 0));
    if (bounded || waiting.size <= 2 * this.limit) return;
    for (const oldest of waiting.keys()) return void waiting.delete(oldest);
  }

  has(member: MemberId, n: number): boolean {
    return this.#waiting.get(member)?.has(n) === true;
  }

  get(member: MemberId, n: number): Uint8Array | undefined {
    return this.#waiting.get(member)?.get(n);
  }

  /** True when the message was here, or a later one: it will not come any more. */
  wentBy(member: MemberId, n: number): boolean {
    return n <= (this.#highest.get(member) ?? 0);
  }

  /** Of each sender, the last message that is or was here: all before it are or were, too. */
  seen(): MessageId[] {
    return [...this.#highest].map(([member, n]) => ({ member, n }));
  }

  /** It has its place and went to the user. */
  delivered(member: MemberId, n: number, isOwn: boolean): void {
    this.#waiting.get(member)?.delete(n);
    this.#delivered.set(member, n);
    if (isOwn) this.pending.delete(n);
  }

  /** All up to these were delivered before our time. */
  deliveredAll(marks: ReadonlyMap<MemberId, number>): void {
    for (const [member, mark] of marks) {
      this.#delivered.set(member, mark);
      const waiting = this.#waiting.get(member);
      for (const n of waiting?.keys() ?? []) if (n <= mark) waiting?.delete(n);
    }
  }

  #isKnown(member: MemberId, n: number): boolean {
    return n <= (this.#delivered.get(member) ?? 0) || this.has(member, n);
  }
}
