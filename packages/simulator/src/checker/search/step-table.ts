/**
 * Answers of the model by (state, class): a hash table of integers in one typed array, because
 * the search asks it once for every operation that it looks at.
 */

const CELL = 3; // State + 1, class, answer; a state cell of 0 is empty.
const FIRST_CELLS = 256;

/** A map from pairs of small numbers to a number. */
export class StepTable {
  #cells: Int32Array = new Int32Array(FIRST_CELLS * CELL);
  #mask = FIRST_CELLS - 1;
  #size = 0;

  /** The answer, or `missing`. */
  get(state: number, classId: number, missing: number): number {
    const at = this.#find(state, classId);
    return this.#cells[at] === 0 ? missing : (this.#cells[at + 2] as number);
  }

  /** Keeps an answer that was missing. */
  set(state: number, classId: number, answer: number): void {
    if (this.#size * 2 > this.#mask) this.#grow();
    const at = this.#find(state, classId);
    this.#cells[at] = state + 1;
    this.#cells[at + 1] = classId;
    this.#cells[at + 2] = answer;
    this.#size += 1;
  }

  /** Where the pair is, or where it would be. */
  #find(state: number, classId: number): number {
    const mixed = Math.imul(state + 1, 0x9e3779b1) ^ Math.imul(classId + 1, 0x85ebca6b);
    for (let slot = (mixed ^ (mixed >>> 15)) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * CELL;
      const kept = this.#cells[at];
      if (kept === 0 || (kept === state + 1 && this.#cells[at + 1] === classId)) return at;
    }
  }

  #grow(): void {
    const old = this.#cells;
    this.#cells = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    this.#size = 0;
    for (let at = 0; at < old.length; at += CELL) {
      const state = old[at] as number;
      if (state !== 0) this.set(state - 1, old[at + 1] as number, old[at + 2] as number);
    }
  }
}
