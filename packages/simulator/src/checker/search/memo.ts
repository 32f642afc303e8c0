/**
 * The configurations that were already tried: a set of (operations placed, state).
 *
 * The placed operations are a 64-bit Zobrist hash: each has a random number, and a set is the xor
 * of its members' (Zobrist, "A New Hashing Method", 1970), so placing and taking back cost one
 * xor. Open addressing in one typed array; full hash and state are compared.
 *
 * Two sets may have one hash: about n²/2⁶⁵ for n entries, one in a billion for 200,000. Then a
 * branch is cut that was not tried, so an `illegal` is confirmed with other numbers.
 */

const CELL = 3; // Low half, high half, state + 1; a state cell of 0 is empty.
const FIRST_CELLS = 1_024;

/** A set of configurations. */
export class Memo {
  #cells: Int32Array = new Int32Array(FIRST_CELLS * CELL);
  #mask = FIRST_CELLS - 1;
  #size = 0;

  /** Takes in a configuration. False if it was there. */
  add(low: number, high: number, state: number): boolean {
    if (this.#size * 2 > this.#mask) this.#grow();
    const cells = this.#cells;
    for (let slot = mix(low, state) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * CELL;
      if (cells[at + 2] === 0) {
        cells[at] = low;
        cells[at + 1] = high;
        cells[at + 2] = state + 1;
        this.#size += 1;
        return true;
      }
      if (cells[at] === low && cells[at + 1] === high && cells[at + 2] === state + 1) return false;
    }
  }

  #grow(): void {
    const old = this.#cells;
    this.#cells = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    this.#size = 0;
    for (let at = 0; at < old.length; at += CELL) {
      const state = old[at + 2] as number;
      if (state !== 0) this.add(old[at] as number, old[at + 1] as number, state - 1);
    }
  }
}

function mix(low: number, state: number): number {
  const mixed = low ^ Math.imul(state + 1, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
