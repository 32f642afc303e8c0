/**
 * Everybody's messages at one member: by rank until they are delivered, and for a while after.
 *
 * A sender has at most `limit` messages that it has not delivered itself, and sends the next only
 * then; streams keep their order. Hence a member never has more than twice `limit` of a sender
 * before it, of which all but `limit` are final; and what another member may still have to learn
 * about a sender's messages is among the last four times `limit`.
 */
import type { GroupView } from "../fifo/fifo-machine.ts";
import type { MemberId } from "../member.ts";
import type { Item, Proposal, Rank } from "./agreement-frames.ts";
import type { Decision } from "./flush.ts";
import { RankQueue } from "./rank.ts";

/** Members that have left and whose last message is remembered, so that it is not taken twice. */
const MOST_LEFT = 1_024;

/** Messages of all members. */
export class Messages {
  readonly #limit: number;
  readonly #queue = new RankQueue();
  readonly #items = new Map<MemberId, Map<number, Item>>();
  /** The last ones that have had their turn, with their final ranks. */
  readonly #recent = new Map<MemberId, Item[]>();
  /** Members that have left, with the epoch of the view that they were not in. */
  readonly #leftIn = new Map<MemberId, number>();
  readonly #marks = new Map<MemberId, number>();
  /** Of an old view that has ended, in order; not yet handed to the user. */
  readonly #ended: Item[] = [];
  #proposals: Proposal[] = [];
  #delivered = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Messages that have not had their turn. */
  get size(): number {
    return this.#queue.all.length + this.#ended.length;
  }

  /** Messages handed to the user so far. */
  get delivered(): number {
    return this.#delivered;
  }

  /** The lowest one, if it keeps all others waiting. */
  get firstUndecided(): Item | undefined {
    const { first } = this.#queue;
    return first?.isFinal === false ? first : undefined;
  }

  /** False while so many of `member` are here that another must wait in its stream. */
  hasRoom(member: MemberId): boolean {
    return (this.#items.get(member)?.size ?? 0) < 2 * this.#limit;
  }

  /** True when it had its turn. */
  isDelivered(member: MemberId, n: number): boolean {
    return n <= (this.#marks.get(member) ?? 0);
  }

  /** A new message with the rank that we propose for it, to be told to its sender or not. */
  add(item: Item, isTold: boolean): void {
    const { member, n, rank } = item;
    if (this.isDelivered(member, n)) return;
    const items = this.#items.get(member) ?? new Map<number, Item>();
    this.#items.set(member, items);
    items.set(n, item);
    this.#queue.insert(item);
    if (isTold) this.#proposals.push({ member, n, number: rank.number });
  }

  /** Proposals to tell, at most `max` at a time. */
  takeProposals(max: number): readonly Proposal[] {
    return this.#proposals.splice(0, max);
  }

  /** A view ends: what was not told yet is told in its flush. */
  forgetProposals(): void {
    this.#proposals = [];
  }

  /** The message has got its rank. */
  decide(member: MemberId, n: number, rank: Rank): void {
    const item = this.#items.get(member)?.get(n);
    if (item === undefined || item.isFinal) return;
    this.#queue.remove(item);
    const final = { ...item, rank, isFinal: true };
    this.#items.get(member)?.set(n, final);
    this.#queue.insert(final);
  }

  /** The next one to hand to the user; none of this view while that is not open. */
  take(isOpen: boolean): Item | undefined {
    let item = this.#ended.shift();
    if (item === undefined && isOpen && this.#queue.first?.isFinal === true) {
      item = this.#queue.first;
      this.#queue.remove(item);
      this.#items.get(item.member)?.delete(item.n);
      this.#hadTurn(item);
    }
    if (item !== undefined) this.#delivered += 1;
    return item;
  }

  /** All that others may not know: what has not had its turn, and what had it lately. */
  *known(): IterableIterator<Item> {
    for (const items of this.#recent.values()) yield* items;
    yield* this.#queue.all;
  }

  /** The old view ends as decided, and `view` begins; who `isNew` is handed nothing of the old. */
  end({ items, installed }: Decision, view: GroupView, isNew: boolean): void {
    this.#queue.clear();
    this.#items.clear();
    for (const item of items) {
      if (this.isDelivered(item.member, item.n)) continue;
      this.#hadTurn(item);
      if (!isNew) this.#ended.push(item);
    }
    for (const member of this.#recent.keys()) {
      if (view.members.includes(member)) continue;
      const leftIn = this.#leftIn.get(member) ?? view.epoch;
      this.#leftIn.set(member, leftIn);
      // Everybody has gone through with the view in which it left: nobody lacks its messages.
      if (leftIn <= installed) this.#recent.delete(member);
    }
    for (const member of this.#leftIn.keys()) {
      if (this.#leftIn.size <= MOST_LEFT) break;
      this.#leftIn.delete(member);
      this.#marks.delete(member);
    }
  }

  #hadTurn(item: Item): void {
    this.#marks.set(item.member, item.n);
    const recent = this.#recent.get(item.member) ?? [];
    this.#recent.set(item.member, recent);
    recent.push(item);
    if (recent.length > 4 * this.#limit) recent.shift();
  }
}
