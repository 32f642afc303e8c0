/**
 * One voice for everything the scripts print: `quorate › doing…`, `quorate ✓ done (4.4 s)`.
 *
 * Durations are always shown, because a slow step that nobody sees is a slow step for ever.
 */

/** @param {string} text */
export function say(text) {
  process.stdout.write(`quorate › ${text}\n`);
}

/** @param {string} text */
export function done(text) {
  process.stdout.write(`quorate ✓ ${text}\n`);
}

/** @param {string} text */
export function fail(text) {
  process.stdout.write(`quorate ✗ ${text}\n`);
}

/** A stopwatch; the function it returns gives the time since as `4.4 s`. */
export function stopwatch() {
  const startedMs = performance.now();
  return () => `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`;
}

/** An error whose message is the whole story: printed without a stack, followed by its cure. */
export class Cure extends Error {}
