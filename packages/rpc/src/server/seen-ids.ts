/**
 * Numbers seen: was this call here before?
 *
 * A bus may hand over a message twice when a connection breaks at the wrong moment, and an unsafe
 * call must then run once. A client counts its calls, so one bit per number in a sliding window is
 * enough, and older numbers are refused rather than believed.
 *
 * Guarantees: a number is new once. Does not guarantee that another instance has not seen it.
 *
 * The anti-replay window of RFC 4303 (3.4.3) in the form of RFC 6479: a ring of words.
 */

/** Numbers that are told apart; a call that is overtaken by as many is not run. */
export const WINDOW = 8_192;
const WORDS = WINDOW / 32;

/** The numbers of one sender. */
export class SeenIds {
  #highest = 0;
  #words: Uint32Array | undefined;

  /** True for the first time of `id`; false again, and for what the window has left behind. */
  isNew(id: number): boolean {
    const words = (this.#words ??= new Uint32Array(WORDS));
    if (id > this.#highest) {
      this.#clear(words, id);
      this.#highest = id;
    } else if (id <= this.#highest - WINDOW + 32) {
      return false; // The word of the highest holds the newest: one word less is told apart.
    }
    const index = Math.floor(id / 32) % WORDS;
    const bit = 1 << (id % 32);
    if (((words[index] as number) & bit) !== 0) return false;
    words[index] = (words[index] as number) | bit;
    return true;
  }

  /** Words that the window moves into belong to numbers of long ago. */
  #clear(words: Uint32Array, id: number): void {
    const from = Math.floor(this.#highest / 32);
    const to = Math.min(Math.floor(id / 32), from + WORDS);
    for (let word = from + 1; word <= to; word++) words[word % WORDS] = 0;
  }
}
