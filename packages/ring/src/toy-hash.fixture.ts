/** Hashes of few bits, for rings in which collisions are common and all hashes can be tried. */
import { fmix32, murmur3 } from "./hash/murmur3.ts";
import type { RingHash } from "./hash/ring-hash.ts";

/** Murmur cut to its top `bits`: 2^bits places, evenly spread over the circle. */
export function toyHash(bits: number): RingHash {
  const cut = (hash: number): number => (hash >>> (32 - bits)) * 2 ** (32 - bits);
  return {
    name: `toy-${bits}`,
    of: (text, seed) => {
      // `@123` hashes to 123 itself, so that a test can name a place.
      const place = /^@(\d+)$/.exec(text)?.[1];
      return place === undefined ? cut(murmur3(text, seed)) : Number(place);
    },
    mix: (value) => cut(fmix32(value)),
  };
}

/** The key that hashes to `place` under a toy hash. */
export function keyAt(place: number): string {
  return `@${place}`;
}
