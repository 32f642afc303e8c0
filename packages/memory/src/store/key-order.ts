/**
 * The keys of one collection, in order, for those who ask.
 *
 * Most collections are never listed, so a new key is only noted; the first page that is asked for
 * sorts what came since the last one into the rest. What was taken out is only noted too, and swept
 * when it outnumbers what is left.
 *
 * Guarantees: adding and removing are O(1); a page costs its own length, two searches, and the
 * sorting in of what is new. Does not guarantee that pages are of one moment: each is of its own.
 */
import { compareNames } from "@quorate/core";

/** Fewer than this are not worth a sweep. */
const SWEEP_AT_LEAST = 64;

/** Keys, sorted when they are looked at. */
export class KeyOrder {
  #sorted: string[] = [];
  /** Not sorted in yet. */
  #fresh: string[] = [];
  /** In one of the two, and not there any more. */
  #gone = new Set<string>();

  /** Keys that are there. */
  get size(): number {
    return this.#sorted.length + this.#fresh.length - this.#gone.size;
  }

  /** Keys that are held, there or not: for leak checks. */
  get weight(): number {
    return this.#sorted.length + this.#fresh.length + this.#gone.size;
  }

  /** Adds a key that is not there. */
  add(key: string): void {
    if (this.#gone.size === 0 || !this.#gone.delete(key)) this.#fresh.push(key);
  }

  /** Takes out a key that is there. */
  remove(key: string): void {
    this.#gone.add(key);
    if (this.#gone.size > Math.max(SWEEP_AT_LEAST, this.size)) this.#sweep();
  }

  /** The first keys behind `after`, at most `size` of them. */
  page(after: string | undefined, size: number): string[] {
    if (this.#fresh.length > 0) this.#sortIn();
    const keys: string[] = [];
    let index = after === undefined ? 0 : this.#behind(after);
    for (; index < this.#sorted.length && keys.length < size; index += 1) {
      const key = this.#sorted[index] as string;
      if (!this.#gone.has(key)) keys.push(key);
    }
    return keys;
  }

  #sweep(): void {
    const isThere = (key: string): boolean => !this.#gone.has(key);
    this.#sorted = this.#sorted.filter(isThere);
    this.#fresh = this.#fresh.filter(isThere);
    this.#gone = new Set();
  }

  /** Two sorted runs become one. */
  #sortIn(): void {
    this.#sweep();
    const fresh = this.#fresh.sort(compareNames);
    const merged: string[] = [];
    let next = 0;
    for (const key of this.#sorted) {
      for (; next < fresh.length && compareNames(fresh[next] as string, key) < 0; next += 1) {
        merged.push(fresh[next] as string);
      }
      merged.push(key);
    }
    for (; next < fresh.length; next += 1) merged.push(fresh[next] as string);
    this.#sorted = merged;
    this.#fresh = [];
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
