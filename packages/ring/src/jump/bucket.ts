/**
 * Jump consistent hash: from a 64-bit key and a number of buckets to a bucket.
 *
 * As buckets are added one by one, a key moves to the n-th with chance 1/n, each time by the next
 * draw of a generator that begins with the key. Most draws change nothing, so the algorithm draws
 * how far to jump instead: some ln(n) draws in all, and no memory.
 *
 * The generator is a product modulo 2⁶⁴. BigInt would spend nine tenths of the time on garbage, so
 * the state is two halves of 32 bits, and their product four products of 16.
 *
 * Guarantees: the same bucket as the paper's C++ for every key, Guava's and dgryski's vectors
 * among them. From n to n + 1 buckets, a key stays or moves to the new one.
 *
 * Lamping, Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", arXiv:1406.2294, figure 1.
 */
import { inRange, invalidArgument } from "@quorate/core";

/** Most buckets: the draws have 31 bits. */
export const MAX_BUCKETS: number = 2 ** 31;

const DRAWS = 2 ** 31;
const TWO_32 = 2 ** 32;
// 2862933555777941757, the multiplier of L'Ecuyer's generator, by halves and quarters.
const HIGH = 0x27bb2ee6;
const LOW = 0x87b0b0fd;
const LOW_HIGH = 0x87b0;
const LOW_LOW = 0xb0fd;

/**
 * The bucket, 0 to `buckets - 1`, of the 64-bit `key`. A negative key counts as its two's
 * complement, so that a `long` of Java means the same here. `buckets` is 1 to 2³¹.
 *
 * Throws INVALID_ARGUMENT for 0 buckets, for a key of more than 64 bits and for a number that is
 * not a safe integer: its last digits are lost already.
 *
 * @example
 * jumpBucket(10863919174838991n, 11); // => 6
 */
export function jumpBucket(key: bigint | number, buckets: number): number {
  inRange("buckets", buckets, 1, MAX_BUCKETS);
  if (!Number.isInteger(buckets)) throw invalidArgument("buckets", buckets, "an integer");
  if (typeof key === "number") {
    if (!Number.isSafeInteger(key)) throw invalidArgument("key", key, "a safe integer or a bigint");
    return lastJump(Math.floor(key / TWO_32), key, buckets);
  }
  if (
    typeof key !== "bigint" ||
    (BigInt.asUintN(64, key) !== key && BigInt.asIntN(64, key) !== key)
  ) {
    throw invalidArgument("key", key, "an integer of 64 bits");
  }
  const unsigned = BigInt.asUintN(64, key);
  return lastJump(Number(unsigned >> 32n), Number(unsigned & 0xffffffffn), buckets);
}

/** Where the jumps of the key with these halves end below `buckets`; the halves modulo 2³². */
export function lastJump(high: number, low: number, buckets: number): number {
  const draws = new Draws(high, low);
  let bucket = 0; // The first jump lands on 0, whatever the draw.
  for (let next = draws.jumpFrom(0); next < buckets; next = draws.jumpFrom(bucket)) bucket = next;
  return bucket;
}

/** All the jumps below `buckets`, in order; the last is `lastJump`. */
export function jumpsBelow(high: number, low: number, buckets: number): number[] {
  const draws = new Draws(high, low);
  const jumps = [0];
  for (let next = draws.jumpFrom(0); next < buckets; next = draws.jumpFrom(next)) jumps.push(next);
  return jumps;
}

/** The generator, begun with a key. */
class Draws {
  #high: number;
  #low: number;

  constructor(high: number, low: number) {
    this.#high = high | 0;
    this.#low = low | 0;
  }

  /** The bucket that follows `bucket` by the next draw; it may be beyond every bound. */
  jumpFrom(bucket: number): number {
    const low = this.#low;
    const high = (Math.imul(low, HIGH) + Math.imul(this.#high, LOW) + carry(low)) | 0;
    this.#low = (Math.imul(low, LOW) + 1) | 0;
    // The 1 carries only where the low half was all ones.
    this.#high = this.#low === 0 ? (high + 1) | 0 : high;
    return Math.floor((bucket + 1) * (DRAWS / ((this.#high >>> 1) + 1)));
  }
}

/** The upper half of the 64-bit product of `low` and the multiplier's lower half. */
function carry(low: number): number {
  const upper = low >>> 16;
  const lower = low & 0xffff;
  // Each sum stays below 2³²: (2¹⁶ - 1)² + 2¹⁶ - 1.
  const middle = (Math.imul(upper, LOW_LOW) >>> 0) + (Math.imul(lower, LOW_LOW) >>> 16);
  const other = (Math.imul(lower, LOW_HIGH) >>> 0) + (middle & 0xffff);
  return (Math.imul(upper, LOW_HIGH) + (middle >>> 16) + (other >>> 16)) | 0;
}
