/**
 * The natural logarithm of a 32-bit hash read as a number between 0 and 1.
 *
 * ECMAScript lets `Math.log` differ in the last digit from one engine or version to the next, and
 * weighted rendezvous compares logarithms: a key whose two best scores are that close would have
 * two owners. Additions, multiplications and divisions are exact to the bit everywhere, so this
 * one is made of them alone.
 *
 * Guarantees: within 4 ulp of the true value; falls strictly as the hash rises.
 */

/** 2⁻ⁿ for n from 0 to 32: `**` need not be exact. */
const HALVES = Float64Array.from({ length: 33 });
for (let power = 0, half = 1; power < HALVES.length; power++, half /= 2) HALVES[power] = half;

/** 1/(2k + 1), the coefficients of atanh; eleven of them are enough for 53 bits. */
const ODD = Float64Array.from({ length: 11 }, (_, index) => 1 / (2 * index + 1));

/**
 * -ln((hash + 0.5) / 2³²) for a hash of 32 bits. Above 0 and finite for each of them: the half
 * keeps the number away from 0 and 1.
 */
export function negativeLog(hash: number): number {
  // number = fraction · 2^(bits - 32), the fraction from √½ to √2.
  let bits = 32 - Math.clz32(hash);
  let fraction = ((hash >>> 0) + 0.5) * (HALVES[bits] as number);
  if (fraction < Math.SQRT1_2) {
    fraction *= 2;
    bits -= 1;
  }
  // ln x = 2·atanh((x - 1)/(x + 1)).
  const ratio = (fraction - 1) / (fraction + 1);
  const square = ratio * ratio;
  let sum = 0;
  for (let index = ODD.length - 1; index >= 0; index--) {
    sum = sum * square + (ODD[index] as number);
  }
  return (32 - bits) * Math.LN2 - 2 * ratio * sum;
}
