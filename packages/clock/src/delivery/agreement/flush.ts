/**
 * Flush: what the members of a new view make of the messages that were under way.
 *
 * Each says what it knows, and how far its clock is. From all that was said, everybody computes the
 * same: what anybody knows to be final is final; anything else gets the highest of what was
 * proposed, where a member that does not know the message counts as if it had proposed its next
 * number. That is higher than all it has delivered, so nobody has gone past the message. Last, no
 * message stays below an earlier one of its sender: that may have got its rank from a member whose
 * proposal for the later one died with it.
 */
import type { MemberId } from "../member.ts";
import type { Item, Rank } from "./agreement-frames.ts";
import { compareItems, compareRanks } from "./rank.ts";

/** What one member has said. */
export interface FlushOf {
  readonly items: Item[];
  /** Set when it has said all. */
  end: FlushEnd | undefined;
}

/** How far a member has come. */
export interface FlushEnd {
  readonly clock: number;
  /** The last view that it has gone through with; 0 if it is new. */
  readonly installed: number;
}

/** What a flush comes to. */
export interface Decision {
  /** All messages that anybody has told of, in their final order. */
  readonly items: readonly Item[];
  /** The highest number that anybody has seen. */
  readonly clock: number;
  /** All who are not new have gone through with this view. */
  readonly installed: number;
}

/** What the members of a view have said so far. */
export class Flush {
  readonly #of: ReadonlyMap<MemberId, FlushOf>;

  constructor(members: readonly MemberId[]) {
    this.#of = new Map(members.map((member) => [member, { items: [], end: undefined }]));
  }

  /** Members that have not said all. */
  get missing(): MemberId[] {
    return [...this.#of].flatMap(([member, { end }]) => (end === undefined ? [member] : []));
  }

  add(from: MemberId, item: Item): void {
    this.#of.get(from)?.items.push(item);
  }

  end(from: MemberId, end: FlushEnd): void {
    const flush = this.#of.get(from);
    if (flush !== undefined) flush.end = end;
  }

  /** The same for all who have heard all. */
  decide(): Decision {
    const known = new Map<string, { readonly any: Item; readonly by: Map<MemberId, Item> }>();
    for (const [from, { items }] of this.#of) {
      for (const item of items) {
        const key = `${item.n}:${item.member}`;
        const entry = known.get(key) ?? { any: item, by: new Map<MemberId, Item>() };
        known.set(key, entry);
        entry.by.set(from, item);
      }
    }
    const items = [...known.values()].map(({ any, by }): Item => {
      return { ...any, rank: this.#rankOf(by), isFinal: true };
    });
    raise(items);
    const ends = [...this.#of.values()].flatMap(({ end }) => end ?? []);
    const numbers = [...ends.map((end) => end.clock), ...items.map(({ rank }) => rank.number)];
    const clock = numbers.reduce((one, other) => Math.max(one, other), 0);
    const old = ends.map((end) => end.installed).filter((epoch) => epoch > 0);
    return { items: items.toSorted(compareItems), clock, installed: Math.min(...old) };
  }

  #rankOf(by: ReadonlyMap<MemberId, Item>): Rank {
    for (const item of by.values()) if (item.isFinal) return item.rank;
    const ranks = [...this.#of].map(([member, { end }]): Rank => {
      return by.get(member)?.rank ?? { number: (end?.clock ?? 0) + 1, by: member };
    });
    return ranks.reduce((one, other) => (compareRanks(one, other) < 0 ? other : one));
  }
}

/** Lifts each message to its sender's one before; between equals, the sender's own order holds. */
function raise(items: Item[]): void {
  const last = new Map<MemberId, Rank>();
  items.sort((left, right) => left.n - right.n);
  for (const [index, item] of items.entries()) {
    const before = last.get(item.member);
    const isBelow = before !== undefined && compareRanks(item.rank, before) < 0;
    if (isBelow) items[index] = { ...item, rank: before };
    last.set(item.member, isBelow ? before : item.rank);
  }
}
