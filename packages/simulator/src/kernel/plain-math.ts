/**
 * Logarithm and power by additions and multiplications alone.
 *
 * IEEE 754 says to the last bit what those give; of `Math.log` and `**` ECMAScript only says that
 * they are about right, and engines have changed them. A plan drawn with those might differ by
 * version of Node, and with it the whole run.
 */

const TERMS = 20;

/** Natural logarithm of a positive number, to about 14 digits. */
export function plainLog(value: number): number {
  let mantissa = value;
  let exponent = 0;
  for (; mantissa > 1.5; exponent++) mantissa /= 2;
  for (; mantissa < 0.75; exponent--) mantissa *= 2;
  // ln m = 2 artanh((m - 1) / (m + 1)), whose series converges fast near 1.
  const ratio = (mantissa - 1) / (mantissa + 1);
  let power = ratio;
  let sum = 0;
  for (let term = 1; term < 2 * TERMS; term += 2) {
    sum += power / term;
    power *= ratio * ratio;
  }
  return 2 * sum + exponent * Math.LN2;
}

/** `e` to the power of `value`, to about 14 digits. */
export function plainExp(value: number): number {
  let halvings = 0;
  let small = value;
  for (; Math.abs(small) > 0.5; halvings++) small /= 2;
  let term = 1;
  let sum = 1;
  for (let index = 1; index < TERMS; index++) {
    term *= small / index;
    sum += term;
  }
  for (; halvings > 0; halvings--) sum *= sum;
  return sum;
}
