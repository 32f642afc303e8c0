/**
 * The keys of one collection, in order, for those who ask.
 *
 * Most collections are never listed, so a new key is only noted; the first page that is asked for
 * sorts what came since the last one into the rest. What was taken out is skipped, and swept when
 * it outnumbers what is left.
 *
 * Guarantees: adding and removing are O(1); a page costs its own length, two searches, and the
 * sorting in of what is new. Does not guarantee that pages are of one moment: each is of its own.
 */
import { compareNames } from "@quorate/core";

/** Keys, sorted when they are looked at. */
export class KeyOrder {
  #sorted: string[] = [];
  /** There, and not sorted in yet. */
  readonly #fresh = new Set<string>();
  /** Sorted in, and not there any more. */
  readonly #gone = new Set<string>();

  /** Keys that are there. */
  get size(): number {
    return this.#sorted.length + this.#fresh.size - this.#gone.size;
  }

  /** Adds a key that is not there. */
  add(key: string): void {
    if (!this.#gone.delete(key)) this.#fresh.add(key);
  }

  /** Takes out a key that is there. */
  remove(key: string): void {
    if (!this.#fresh.delete(key)) this.#gone.add(key);
  }

  /** The first keys behind `after`, at most `size` of them. */
  page(after: string | undefined, size: number): string[] {
    if (this.#fresh.size > 0 || this.#gone.size * 2 > this.#sorted.length) this.#sortIn();
    const keys: string[] = [];
    let index = after === undefined ? 0 : this.#behind(after);
    for (; index < this.#sorted.length && keys.length < size; index += 1) {
      const key = this.#sorted[index] as string;
      if (!this.#gone.has(key)) keys.push(key);
    }
    return keys;
  }

  /** Two sorted runs become one. */
  #sortIn(): void {
    const fresh = [...this.#fresh].sort(compareNames);
    const merged: string[] = [];
    let next = 0;
    for (const key of this.#sorted) {
      if (this.#gone.has(key)) continue;
      for (; next < fresh.length && compareNames(fresh[next] as string, key) < 0; next += 1) {
        merged.push(fresh[next] as string);
      }
      merged.push(key);
    }
    for (; next < fresh.length; next += 1) merged.push(fresh[next] as string);
    this.#sorted = merged;
    this.#fresh.clear();
    this.#gone.clear();
  }

  /** Where the first key behind `after` is. */
  #behind(after: string): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareNames(this.#sorted[middle] as string, after) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
