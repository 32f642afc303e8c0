/**
 * Tries left: how often a call may be made again, by all layers together.
 *
 * Three layers that each try three times make 27 calls of one. So the first caller says how many
 * tries there are, each layer takes what it uses, the answer says what is left, and whoever finds
 * none left passes the error on: only the layer nearest the fault repeats.
 *
 * Guarantees: a caller that hands its `call` on never adds tries to those of its own caller. Does
 * not guarantee an exact sum: of an attempt that nobody answered, nobody knows what it used.
 */

/** Tries of one call and of all calls made on its behalf. */
export class Tries {
  #left: number | undefined;

  /** `undefined`: they are not counted. */
  constructor(left: number | undefined) {
    this.#left = left;
  }

  /** How many there are; `undefined`: not counted. */
  get left(): number | undefined {
    return this.#left;
  }

  /** Whether the call may be made again. */
  get any(): boolean {
    return this.#left !== 0;
  }

  /** One is used. */
  take(): void {
    if (this.#left !== undefined && this.#left > 0) this.#left -= 1;
  }

  /** A layer below says how many it has left. */
  limit(left: number | undefined): void {
    if (left === undefined) return;
    this.#left = this.#left === undefined ? left : Math.min(this.#left, left);
  }
}
