/**
 * What falls due next: a binary heap of instants and names, lazily corrected.
 *
 * When a name falls due its owner knows, and is asked: the heap says only who may be next. A
 * renewal moves a due time later; taking the old one out of a heap would cost a search. So the old
 * one stays, and when it surfaces it is compared with the truth and put back. Entries that no
 * longer stand for anything are swept out when they outnumber the living, so a million leases
 * taken and released do not linger until their TTL.
 *
 * Guarantees: `nextMs` never comes late, if the owner tells of every move; memory within a constant
 * factor of the names that are set.
 */

const SWEEP_AT_LEAST = 64;

/** Names by the time at which each falls due. */
export class DueQueue {
  readonly #dueMsOf: (name: string) => number | undefined;
  /** The heap, in two arrays: instants in an array of their own are no objects. */
  #times: number[] = [];
  #names: string[] = [];
  /** The top tells the truth: it was not moved since it was looked at. */
  #isSettled = true;
  #size = 0;

  /** `dueMsOf`: the truth, of names that were told of; `undefined`: never. */
  constructor(dueMsOf: (name: string) => number | undefined) {
    this.#dueMsOf = dueMsOf;
  }

  /** Names that fall due at some time. */
  get size(): number {
    return this.#size;
  }

  /** `name` fell due at `beforeMs`, and does at `afterMs` now; `undefined`: never. */
  moved(name: string, beforeMs: number | undefined, afterMs: number | undefined): void {
    if (beforeMs === afterMs) return;
    if (name === this.#names[0]) this.#isSettled = false;
    if (beforeMs === undefined) this.#size += 1;
    if (afterMs === undefined) this.#size -= 1;
    else if (beforeMs === undefined || afterMs < beforeMs) this.#push(afterMs, name);
    if (this.#names.length > SWEEP_AT_LEAST + 2 * this.#size) this.#sweep();
  }

  /** The earliest due time. */
  nextMs(): number | undefined {
    this.#settleTop();
    return this.#times[0];
  }

  /** A name that is due at `nowMs`, to be moved before the next is asked for. */
  due(nowMs: number): string | undefined {
    this.#settleTop();
    const [topMs] = this.#times;
    return topMs === undefined || topMs > nowMs ? undefined : this.#names[0];
  }

  /** Nothing falls due any more. */
  clear(): void {
    this.#times = [];
    this.#names = [];
    this.#size = 0;
    this.#isSettled = true;
  }

  /** Makes the top tell the truth. */
  #settleTop(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    for (;;) {
      const [topMs, name] = [this.#times[0], this.#names[0]];
      if (topMs === undefined || name === undefined) return;
      const dueMs = this.#dueMsOf(name);
      if (dueMs === topMs) return;
      this.#pop();
      if (dueMs !== undefined && dueMs > topMs) this.#push(dueMs, name);
    }
  }

  #sweep(): void {
    const names = new Set(this.#names);
    this.#times = [];
    this.#names = [];
    for (const name of names) {
      const dueMs = this.#dueMsOf(name);
      if (dueMs !== undefined) this.#push(dueMs, name);
    }
    this.#isSettled = true;
  }

  #push(dueMs: number, name: string): void {
    const [times, names] = [this.#times, this.#names];
    let index = times.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = times[parent] as number;
      if (above <= dueMs) break;
      times[index] = above;
      names[index] = names[parent] as string;
      index = parent;
    }
    times[index] = dueMs;
    names[index] = name;
  }

  #pop(): void {
    const [times, names] = [this.#times, this.#names];
    const lastMs = times.pop();
    const last = names.pop();
    if (lastMs === undefined || last === undefined || times.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      const child = (times[right] ?? Infinity) < (times[left] ?? Infinity) ? right : left;
      const childMs = times[child];
      if (childMs === undefined || childMs >= lastMs) break;
      times[index] = childMs;
      names[index] = names[child] as string;
      index = child;
    }
    times[index] = lastMs;
    names[index] = last;
  }
}
