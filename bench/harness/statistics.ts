/**
 * The few statistics that the tables use.
 *
 * Medians everywhere: on a shared machine the mean tells about the neighbours. Ratios are taken
 * within a round and only then reduced, so that a slow minute hits both sides alike.
 */

/** The smallest value that at least `share` of `values` do not exceed. NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return sorted[index] ?? Number.NaN;
}

/** The middle value. NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Jain's fairness index of shares: 1 when all are equal, 1/n when one has everything.
 *
 * Jain, Chiu, Hawe, "A Quantitative Measure of Fairness", DEC-TR-301, 1984.
 */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return squares === 0 ? Number.NaN : (sum * sum) / (shares.length * squares);
}

/** Median of `a[i] / b[i]`: what a pair of figures measured in the same round says. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, index) => value / (b[index] ?? Number.NaN)));
}
