/**
 * A bag whose things are found by key: what is under way now, by its id.
 *
 * A `Map` that is added to and deleted from for every call keeps what it once held, through its old
 * tables (see `Bag`). This one's Map has numbers in it: its old tables hold keys and nothing else.
 *
 * Guarantees: adding, finding and removing cost the same whatever is in it; what was removed is not
 * held on to.
 */

/** Things by key, in no order. */
export class KeyedBag<T> {
  readonly #places = new Map<string, number>();
  readonly #items: (T | undefined)[] = [];
  /** Places that are empty. */
  readonly #empty: number[] = [];

  /** How many are in it. */
  get size(): number {
    return this.#places.size;
  }

  /** Whether there is something under `key`. */
  has(key: string): boolean {
    return this.#places.has(key);
  }

  /** What is under `key`. */
  get(key: string): T | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#items[place];
  }

  /** Puts `item` under `key`, in the place of what is there. */
  set(key: string, item: T): void {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#empty.pop() ?? this.#items.length;
      this.#places.set(key, place);
    }
    this.#items[place] = item;
  }

  /** Takes out what is under `key`; nothing if nothing is. */
  delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#items[place] = undefined;
    this.#empty.push(place);
  }

  /** All that are in it now: what is put in or taken out meanwhile changes nothing here. */
  all(): readonly T[] {
    return [...this.#places.values()].map((place) => this.#items[place] as T);
  }
}
