/**
 * Backoff: how long to pause before the next attempt.
 *
 * Clients that fail together must not come back together. So the default is full jitter: the pause
 * is drawn evenly from zero up to a bound that doubles with each attempt. A backoff is a pure
 * function of the step, chance included: the same step gives the same pause.
 *
 * Guarantees of those made here: the pause is finite, never negative and never over its cap, after
 * however many attempts. What a dependency asks for (`retryAfterMs` of its error) goes before any
 * backoff.
 *
 * Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
import { inRange, invalidArgument, knownOptions, type Ms, nonNegative } from "@quorate/core";

/** What a backoff may know of the pause that it decides on. */
export interface BackoffStep {
  /** How many attempts have failed; 1 before the first pause. */
  readonly attempt: number;
  /** The backoff's own last pause in this call; 0 before the first. */
  readonly previousMs: Ms;
  /** Uniform in [0, 1), drawn for this step. */
  readonly random: number;
  /** What the last attempt threw, untouched. */
  readonly error: unknown;
}

/** The pause before the next attempt. Infinity: there shall be none, the error is final. */
export type Backoff = (step: BackoffStep) => Ms;

/** Bounds of a growing pause. */
export interface GrowingBackoffOptions {
  /** The bound of the first pause; 0: only a turn of the event loop. @default 50 */
  readonly baseMs?: Ms | undefined;
  /** No pause is longer. @default 2_000 */
  readonly capMs?: Ms | undefined;
}

/** Options of `backoff.exponential`. */
export interface ExponentialBackoffOptions extends GrowingBackoffOptions {
  /** What each pause is multiplied by, 1 to 100. @default 2 */
  readonly factor?: number | undefined;
}

/** The kinds of backoff. */
export interface BackoffKinds {
  /** Evenly from 0 up to `baseMs`, `2 baseMs`, `4 baseMs`, …: spreads best, the default. */
  full(options?: GrowingBackoffOptions): Backoff;
  /** As `full`, from half of the bound up: never nearly at once. */
  equal(options?: GrowingBackoffOptions): Backoff;
  /** Evenly from `baseMs` up to three times the last pause: grows by chance, not by count. */
  decorrelated(options?: GrowingBackoffOptions): Backoff;
  /** Exactly `baseMs`, `factor × baseMs`, …: keeps clients in step, so use it for one client. */
  exponential(options?: ExponentialBackoffOptions): Backoff;
  /** Always `delayMs`. Keeps clients in step. */
  constant(options: { readonly delayMs: Ms }): Backoff;
  /** These pauses in turn, the last one again and again; 1 to 1_000 of them. */
  list(delaysMs: readonly Ms[]): Backoff;
}

const MAX_LISTED = 1_000;

/**
 * Backoffs as values.
 *
 * @example
 * import { backoff } from "@quorate/resilience";
 * const pauses = backoff.exponential({ baseMs: 100, capMs: 1_000 });
 * pauses({ attempt: 3, previousMs: 200, random: 0.5, error: undefined }); // => 400
 */
export const backoff: BackoffKinds = {
  full(options = {}) {
    const { baseMs, capMs } = growing("backoff.full", options);
    return ({ attempt, random }) => random * grown(baseMs, 2, attempt, capMs);
  },
  equal(options = {}) {
    const { baseMs, capMs } = growing("backoff.equal", options);
    return ({ attempt, random }) => (0.5 + random / 2) * grown(baseMs, 2, attempt, capMs);
  },
  decorrelated(options = {}) {
    const { baseMs, capMs } = growing("backoff.decorrelated", options);
    return ({ previousMs, random }) => {
      const widestMs = Math.min(Math.max(baseMs, previousMs) * 3, Number.MAX_VALUE);
      return Math.min(capMs, baseMs + random * (widestMs - baseMs));
    };
  },
  exponential(options = {}) {
    const { factor = 2, ...bounds } = options;
    const { baseMs, capMs } = growing("backoff.exponential", bounds);
    inRange("factor", factor, 1, 100);
    return ({ attempt }) => grown(baseMs, factor, attempt, capMs);
  },
  constant(options) {
    knownOptions("backoff.constant", options, ["delayMs"]);
    const delayMs = nonNegative("delayMs", options.delayMs);
    return () => delayMs;
  },
  list(delaysMs) {
    if (!Array.isArray(delaysMs) || delaysMs.length === 0 || delaysMs.length > MAX_LISTED) {
      throw invalidArgument("delaysMs", delaysMs, `an array of 1 to ${MAX_LISTED} durations`);
    }
    const delays = delaysMs.map((ms: Ms, index) => nonNegative(`delaysMs[${index}]`, ms));
    const last = delays.length - 1;
    return ({ attempt }) => delays[Math.min(attempt - 1, last)] as Ms;
  },
};

function growing(what: string, options: GrowingBackoffOptions): { baseMs: Ms; capMs: Ms } {
  knownOptions(what, options, ["baseMs", "capMs"]);
  const baseMs = nonNegative("baseMs", options.baseMs ?? 50);
  const capMs = nonNegative("capMs", options.capMs ?? Math.max(2_000, baseMs));
  if (capMs < baseMs) throw invalidArgument("capMs", capMs, `at least baseMs (${baseMs})`);
  return { baseMs, capMs };
}

/** `baseMs × factor^(attempt - 1)`, at most `capMs`; the power may overflow, zero times it not. */
function grown(baseMs: Ms, factor: number, attempt: number, capMs: Ms): Ms {
  return baseMs === 0 ? 0 : Math.min(capMs, baseMs * factor ** (attempt - 1));
}
