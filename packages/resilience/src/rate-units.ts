/**
 * Rates in whole numbers.
 *
 * Time is counted in whole microseconds, and credit in units that are chosen so that a permit and
 * the refill of a microsecond are both whole. Then nothing is ever rounded, and ten million takes
 * later the meter stands exactly where arithmetic says.
 *
 * Does not guarantee more than the clock: an interval is measured to within a microsecond.
 */
import { invalidArgument, type Ms, positive, positiveInteger } from "@quorate/core";

/** How often something is allowed. */
export interface RateTerms {
  /** Permits for each `perMs`. */
  readonly limit: number;
  /** The period that `limit` is for. */
  readonly perMs: Ms;
  /** Permits that may be taken at once after a rest. */
  readonly burst: number;
}

/** A rate in whole units. */
export interface Rate {
  /** Units that one permit costs. */
  readonly permit: number;
  /** Units that a microsecond brings. */
  readonly perUs: number;
  /** Units that can be saved up. */
  readonly capacity: number;
}

/** The instant in whole microseconds. Rounded, so that `n / 1000` ms is `n` µs again. */
export function toUs(ms: Ms): number {
  return Math.round(ms * 1_000);
}

/** Terms whose every number can be counted exactly. @throws INVALID_ARGUMENT */
export function checkTerms(terms: RateTerms): RateTerms {
  const limit = positiveInteger("limit", terms.limit);
  const perMs = positive("perMs", terms.perMs);
  const burst = positiveInteger("burst", terms.burst);
  const whole = Number.isSafeInteger(toUs(perMs)) && toUs(perMs) > 0;
  if (!whole) throw invalidArgument("perMs", perMs, "a duration of at least 1 µs");
  return { limit, perMs, burst };
}

/**
 * `terms` in units of which a share of `1 / parts` of the refill is whole as well; `perUs` is that
 * share. @throws INVALID_ARGUMENT the numbers are too large to be counted exactly
 */
export function rateOf(terms: RateTerms, parts = 1): Rate {
  const periodUs = toUs(terms.perMs) * parts;
  const divisor = commonDivisor(terms.limit, periodUs);
  const permit = periodUs / divisor;
  const capacity = permit * terms.burst;
  if (!Number.isSafeInteger(periodUs) || !Number.isSafeInteger(capacity)) {
    throw invalidArgument(
      "burst",
      terms.burst,
      "a burst that can be counted in whole microseconds",
    );
  }
  return { permit, perUs: terms.limit / divisor, capacity };
}

/** Euclid's. */
function commonDivisor(a: number, b: number): number {
  let [larger, smaller] = [a, b];
  while (smaller !== 0) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}
