/**
 * How surprising is a value so many deviations above the mean: the log of the normal tail.
 *
 * `phiOf(z) = -log10(P(Z > z))` for a normal Z. The usual ways break: `-log10(1 - cdf)` runs out of
 * digits near 16 and then says Infinity; the logistic approximation that most libraries use says
 * 37.6 for 10 deviations where 23.1 is true, and Infinity from 21.6. Here the tail is never formed:
 * its logarithm is `-z²/2 + ln(t) + c(t)` with `t = 2 / (2 + z)`, where `c` is so smooth that 15
 * Chebyshev coefficients have it to 2e-9.
 *
 * Guarantees: finite and rising wherever `z` is finite and its square is.
 */

/** Of `c` on 0 < t <= 1, fitted to the series of the tail below 2.5 and its continued fraction. */
const COEFFICIENTS = [
  -1.123062017435, 0.4674464856324, -0.03116483373091, -0.008176602335139, 0.001728129796404,
  1.929662814382e-4, -1.247183719719e-4, 8.30534177184e-6, 7.127312066903e-6, -2.074061309261e-6,
  -1.001652012861e-7, 1.929175046378e-7, -3.96045331183e-8, -6.399830436432e-9, 5.275590998777e-9,
] as const;

/** `-log10` of the chance that a standard normal exceeds `z`. */
export function phiOf(z: number): number {
  if (z >= 0) return -logTail(z) / Math.LN10;
  // The other side: 1 - tail(-z), where the tail is small and its logarithm harmless.
  return -Math.log1p(-Math.exp(logTail(-z))) / Math.LN10;
}

/** Natural logarithm of the tail above `z` >= 0. */
function logTail(z: number): number {
  const t = 2 / (2 + z);
  return Math.log(t) + clenshaw(2 * t - 1) - (z * z) / 2;
}

/** The sum of the Chebyshev series at `u` in [-1, 1]. */
function clenshaw(u: number): number {
  let last = 0;
  let beforeLast = 0;
  for (let degree = COEFFICIENTS.length - 1; degree > 0; degree--) {
    const next = 2 * u * last - beforeLast + (COEFFICIENTS[degree] ?? 0);
    beforeLast = last;
    last = next;
  }
  return u * last - beforeLast + COEFFICIENTS[0];
}
