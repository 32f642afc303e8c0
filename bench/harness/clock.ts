/**
 * One clock for all processes of a benchmark.
 *
 * `process.hrtime` reads the machine's monotonic clock, whose origin is the same in every process,
 * unlike that of `performance.now`. So a release in one process and the grant that it causes in
 * another can be subtracted. Holds on one machine only.
 */

/** Milliseconds with fractions, comparable between processes of this machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Resolves after `delayMs`. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
