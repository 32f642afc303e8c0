/**
 * Random numbers for hashes, from a seed: a verdict must not depend on the weather.
 */

/** A source of 32-bit integers: Steele, Lea and Flood's SplitMix32. */
export function hashKeys(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}
