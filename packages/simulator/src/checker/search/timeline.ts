/**
 * Calls and returns of one problem as a doubly linked list in the order of time, from which an
 * operation is lifted when it is placed and into which it is put back: Wing and Gong's structure
 * in Lowe's form. Lifting and putting back cost O(1), in the reverse order of each other.
 *
 * What may come next is every call before the first return: an operation that was called after
 * another had returned cannot come before it.
 */
import type { Operation } from "../history/history.ts";

/** Entry 0 is the head; the list ends in itself there. */
const HEAD = 0;

/** The list. Operations are numbered as they were given. */
export class Timeline {
  /** Of each entry: the operation called, or ~operation returned. */
  readonly #what: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #callOf: Int32Array;
  /** 0 where there is no return. */
  readonly #returnOf: Int32Array;

  constructor(operations: readonly Operation[]) {
    const entries = sortedEntries(operations);
    const size = entries.length + 1;
    this.#what = new Int32Array(size);
    this.#next = new Int32Array(size);
    this.#previous = new Int32Array(size);
    this.#callOf = new Int32Array(operations.length);
    this.#returnOf = new Int32Array(operations.length);
    for (const [index, what] of entries.entries()) {
      const entry = index + 1;
      this.#what[entry] = what;
      if (what >= 0) this.#callOf[what] = entry;
      else this.#returnOf[~what] = entry;
    }
    for (let entry = 0; entry < size; entry++) {
      this.#next[entry] = (entry + 1) % size;
      this.#previous[entry] = (entry + size - 1) % size;
    }
  }

  /** The first entry that is left, 0 if none. */
  first(): number {
    return this.#next[HEAD] as number;
  }

  /** The entry after `entry`, 0 if none. */
  after(entry: number): number {
    return this.#next[entry] as number;
  }

  /** The entry before `entry`, 0 if it is the first. */
  before(entry: number): number {
    return this.#previous[entry] as number;
  }

  /** The operation that `entry` calls; negative at a return and behind the last entry. */
  called(entry: number): number {
    return entry === HEAD ? -1 : (this.#what[entry] as number);
  }

  /** Where the operation returns: smaller is more urgent. Beyond all entries if never. */
  urgency(operation: number): number {
    const entry = this.#returnOf[operation] as number;
    return entry === 0 ? this.#what.length : entry;
  }

  /** Takes call and return of the operation out. */
  lift(operation: number): void {
    this.#unlink(this.#callOf[operation] as number);
    const end = this.#returnOf[operation] as number;
    if (end !== 0) this.#unlink(end);
  }

  /** Puts back what was lifted last. */
  putBack(operation: number): void {
    const end = this.#returnOf[operation] as number;
    if (end !== 0) this.#link(end);
    this.#link(this.#callOf[operation] as number);
  }

  #unlink(entry: number): void {
    const next = this.#next[entry] as number;
    const previous = this.#previous[entry] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #link(entry: number): void {
    this.#next[this.#previous[entry] as number] = entry;
    this.#previous[this.#next[entry] as number] = entry;
  }
}

interface Place {
  readonly atMs: number;
  readonly index: number;
  readonly what: number;
}

/** By place in the history; what a model added comes by time, before what was recorded then. */
function sortedEntries(operations: readonly Operation[]): number[] {
  const recorded: Place[] = [];
  const added: Place[] = [];
  for (const [what, operation] of operations.entries()) {
    const { callIndex: index, calledMs: atMs, returnIndex, returnedMs } = operation;
    (index < 0 ? added : recorded).push({ atMs, index, what });
    if (returnIndex !== Infinity) {
      recorded.push({ atMs: returnedMs, index: returnIndex, what: ~what });
    }
  }
  recorded.sort((a, b) => a.index - b.index);
  added.sort((a, b) => a.atMs - b.atMs);
  const merged: number[] = [];
  let taken = 0;
  for (const place of recorded) {
    for (; (added[taken]?.atMs ?? Infinity) <= place.atMs; taken++) {
      merged.push((added[taken] as Place).what);
    }
    merged.push(place.what);
  }
  return [...merged, ...added.slice(taken).map(({ what }) => what)];
}
