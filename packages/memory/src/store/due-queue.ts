/**
 * What falls due next: a binary heap of (instant, name), lazily corrected.
 *
 * A renewal moves its due time later; taking the old one out of a heap would cost a search. So the
 * old one stays, and when it surfaces it is compared with the truth and put back. Entries that no
 * longer stand for anything are swept out when they outnumber the living, so a million leases
 * taken and released do not linger until their TTL.
 *
 * Guarantees: `due` never comes late; memory within a constant factor of the names that are set.
 */

interface Slot {
  readonly dueMs: number;
  readonly name: string;
}

const SWEEP_AT_LEAST = 64;

/** Names by the time at which each falls due. */
export class DueQueue {
  /** The truth; the heap may hold an earlier time for a name, never only a later one. */
  readonly #dueMs = new Map<string, number>();
  #heap: Slot[] = [];
  /** The top tells the truth: nothing was set or taken since it was looked at. */
  #isSettled = true;

  /** Names that are set. */
  get size(): number {
    return this.#dueMs.size;
  }

  /** `name` falls due at `dueMs`; `undefined`: never. */
  set(name: string, dueMs: number | undefined): void {
    const before = this.#dueMs.get(name);
    if (before === dueMs) return;
    this.#isSettled = false;
    if (dueMs === undefined) this.#dueMs.delete(name);
    else this.#dueMs.set(name, dueMs);
    if (dueMs !== undefined && (before === undefined || dueMs < before))
      this.#push({ dueMs, name });
    if (this.#heap.length > SWEEP_AT_LEAST + 2 * this.#dueMs.size) this.#sweep();
  }

  /** The earliest due time. */
  nextMs(): number | undefined {
    this.#settleTop();
    return this.#heap[0]?.dueMs;
  }

  /** Takes a name that is due at `nowMs`; `undefined` when there is none left. */
  take(nowMs: number): string | undefined {
    this.#settleTop();
    const top = this.#heap[0];
    if (top === undefined || top.dueMs > nowMs) return undefined;
    this.#isSettled = false;
    this.#pop();
    this.#dueMs.delete(top.name);
    return top.name;
  }

  clear(): void {
    this.#dueMs.clear();
    this.#heap = [];
  }

  /** Makes the top tell the truth. */
  #settleTop(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      const dueMs = this.#dueMs.get(top.name);
      if (dueMs === top.dueMs) break;
      this.#pop();
      if (dueMs !== undefined && dueMs > top.dueMs) this.#push({ dueMs, name: top.name });
    }
  }

  #sweep(): void {
    this.#heap = [];
    for (const [name, dueMs] of this.#dueMs) this.#push({ dueMs, name });
  }

  #push(slot: Slot): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(slot);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.dueMs <= slot.dueMs) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = slot;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const smaller =
        (heap[right]?.dueMs ?? Infinity) < (heap[left]?.dueMs ?? Infinity) ? right : left;
      const child = heap[smaller];
      if (child === undefined || child.dueMs >= last.dueMs) break;
      heap[index] = child;
      index = smaller;
    }
    heap[index] = last;
  }
}
