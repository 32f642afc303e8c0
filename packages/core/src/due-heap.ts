/**
 * A binary heap of things that want to be woken, soonest first.
 *
 * Each item carries its own place in the heap, so that a lock that is released leaves in O(log n)
 * and is not remembered: 10⁵ acquisitions must not leave 10⁵ tombstones.
 */

/** Something with a time. The heap owns `heapIndex`. */
export interface Waking {
  /** When to look at it, on the monotonic clock. Change it through `DueHeap.update`. */
  wakeMs: number;
  /** Place in the heap; -1 outside. */
  heapIndex: number;
}

/** The heap. */
export class DueHeap<T extends Waking> {
  readonly #items: T[] = [];

  /** How many are in it. */
  get size(): number {
    return this.#items.length;
  }

  /** The soonest. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** All of them, soonest first only at the front. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items.values();
  }

  /** Puts `item` in, to be woken at `wakeMs`, or moves it there. */
  update(item: T, wakeMs: number): void {
    item.wakeMs = wakeMs;
    if (item.heapIndex !== -1) return this.#settle(item);
    item.heapIndex = this.#items.length;
    this.#items.push(item);
    this.#rise(item);
  }

  /** Takes `item` out; nothing if it is not in. */
  remove(item: T): void {
    const { heapIndex } = item;
    if (heapIndex === -1) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#place(last, heapIndex);
    this.#settle(last);
  }

  #settle(item: T): void {
    this.#rise(item);
    this.#sink(item);
  }

  #rise(item: T): void {
    for (let index = item.heapIndex; index > 0; index = item.heapIndex) {
      const above = this.#items[(index - 1) >> 1] as T;
      if (above.wakeMs <= item.wakeMs) return;
      this.#swap(above, item);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#items[item.heapIndex * 2 + 1];
      const right = this.#items[item.heapIndex * 2 + 2];
      if (left === undefined) return;
      const sooner = right !== undefined && right.wakeMs < left.wakeMs ? right : left;
      if (item.wakeMs <= sooner.wakeMs) return;
      this.#swap(item, sooner);
    }
  }

  #swap(left: T, right: T): void {
    const place = left.heapIndex;
    this.#place(left, right.heapIndex);
    this.#place(right, place);
  }

  #place(item: T, index: number): void {
    item.heapIndex = index;
    this.#items[index] = item;
  }
}
