/**
 * A bag: what is under way now, in no order.
 *
 * Not a `Set`: V8 moves a Set that is added to and deleted from to a new table every so often, and
 * an old table points to the next. Once one of them is in the old generation, they keep each other
 * and all that they ever held until the next full collection: at 60,000 calls a second that was a
 * kilobyte of each call, promoted for nothing. An array with holes filled from its end has no past.
 *
 * Guarantees: adding and removing cost the same whatever is in it.
 */

/** Something that a bag holds; in one bag at a time. */
export interface Bagged {
  /** Where it is; -1: in none. The bag's own. */
  place: number;
}

/** Things in no order. */
export class Bag<T extends Bagged> {
  readonly #items: T[] = [];

  /** How many are in it. */
  get size(): number {
    return this.#items.length;
  }

  /** Puts `item` in. */
  add(item: T): void {
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** Takes `item` out; nothing if it is not in. */
  remove(item: T): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#items.pop() as T;
    if (last === item) return;
    this.#items[place] = last;
    last.place = place;
  }

  /** The first found that `isMeant`. Looks at all. */
  find(isMeant: (item: T) => boolean): T | undefined {
    return this.#items.find(isMeant);
  }

  /** All that are in it now: what is put in or taken out meanwhile changes nothing here. */
  all(): readonly T[] {
    return [...this.#items];
  }
}
