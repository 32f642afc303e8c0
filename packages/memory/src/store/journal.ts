/**
 * The journal: how to undo the store's last moments, for faults that forget them.
 *
 * A server that is killed loses what it had not written to disk; a replica that takes over lacks
 * what had not reached it. Both are the same thing, the state as it was a while ago, so each
 * change notes how to take it back.
 *
 * Guarantees: `rollBack` restores the state of that instant exactly, as far back as the journal
 * reaches: `withinMs`, and `maxEntries` changes.
 */

/** How far back a journal reaches. */
export interface JournalBounds {
  /** In milliseconds. */
  readonly withinMs: number;
  /** In changes; the oldest is dropped first. */
  readonly maxEntries: number;
}

interface Entry {
  readonly atMs: number;
  readonly undo: () => void;
}

/** Entries that may lie dropped at the front before the array is cut. */
const SLACK = 1_024;

/** The last changes, each with its undoing. */
export class Journal {
  readonly #bounds: JournalBounds;
  readonly #nowMs: () => number;
  #entries: Entry[] = [];
  #oldest = 0;

  constructor(bounds: JournalBounds, nowMs: () => number) {
    this.#bounds = bounds;
    this.#nowMs = nowMs;
  }

  /** Changes that can be undone. */
  get size(): number {
    return this.#entries.length - this.#oldest;
  }

  /** A change was made just now; `undo` takes it back, if all later ones were taken back before. */
  note(undo: () => void): void {
    const atMs = this.#nowMs();
    this.#entries.push({ atMs, undo });
    const { withinMs, maxEntries } = this.#bounds;
    while (this.size > maxEntries || this.#isOlderThan(atMs - withinMs)) this.#oldest += 1;
    if (this.#oldest < SLACK) return;
    this.#entries = this.#entries.slice(this.#oldest);
    this.#oldest = 0;
  }

  /** Takes back all changes later than `sinceMs`, the last one first. How many there were. */
  rollBack(sinceMs: number): number {
    let undone = 0;
    for (let last = this.#entries.at(-1); this.size > 0; last = this.#entries.at(-1)) {
      if (last === undefined || last.atMs <= sinceMs) break;
      this.#entries.pop();
      last.undo();
      undone += 1;
    }
    return undone;
  }

  /** Nothing can be undone any more. */
  clear(): void {
    this.#entries = [];
    this.#oldest = 0;
  }

  #isOlderThan(atMs: number): boolean {
    const oldest = this.#entries[this.#oldest];
    return oldest !== undefined && oldest.atMs < atMs;
  }
}
