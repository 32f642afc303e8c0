/**
 * Ranks and the queue of messages by rank.
 *
 * Two messages may have one number, from different members; the member's name decides then. Should
 * a change of view give two messages the same rank altogether, sender and number of the message
 * decide. So there is one order, the same for all who know the same ranks.
 */
import { compareNodeIds } from "../../node-id.ts";
import type { Item, Rank } from "./agreement-frames.ts";

/** Order of ranks. */
export function compareRanks(left: Rank, right: Rank): number {
  return left.number - right.number || compareNodeIds(left.by, right.by);
}

/** Order of messages. */
export function compareItems(left: Item, right: Item): number {
  return (
    compareRanks(left.rank, right.rank) ||
    compareNodeIds(left.member, right.member) ||
    left.n - right.n
  );
}

/** Messages by rank, lowest first. */
export class RankQueue {
  readonly #items: Item[] = [];

  /** The lowest. */
  get first(): Item | undefined {
    return this.#items[0];
  }

  get all(): readonly Item[] {
    return this.#items;
  }

  insert(item: Item): void {
    this.#items.splice(this.#place(item), 0, item);
  }

  remove(item: Item): void {
    const at = this.#place(item);
    if (this.#items[at] === item) this.#items.splice(at, 1);
  }

  clear(): void {
    this.#items.length = 0;
  }

  /** Where `item` is, or would be. */
  #place(item: Item): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareItems(this.#items[middle] as Item, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
