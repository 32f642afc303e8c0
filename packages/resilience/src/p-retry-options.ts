/**
 * The options of p-retry 7, checked once.
 *
 * Unknown options are ignored, as p-retry does; what is out of range is refused by name.
 */
import { boolean, callable, inRange, invalidArgument, type Ms, nonNegative } from "@quorate/core";

/** A failed attempt, as hooks see it. */
export interface RetryContext {
  /** What was thrown, untouched; usually an Error, which is why its type says so. */
  readonly error: Error;
  /** Which attempt failed; 1 is the first. */
  readonly attemptNumber: number;
  /** Retries that may still be consumed. */
  readonly retriesLeft: number;
  /** Retries consumed so far. */
  readonly retriesConsumed: number;
}

/** Options of `pRetry`, by p-retry's names. */
export interface Options {
  /** Told of each failed attempt, waited for; one that throws ends it with what it threw. */
  readonly onFailedAttempt?: ((context: RetryContext) => void | Promise<void>) | undefined;
  /** Whether to retry; asked last. One that throws ends it with what it threw. @default always */
  readonly shouldRetry?: ((context: RetryContext) => boolean | Promise<boolean>) | undefined;
  /** Whether the failure counts; one that does not is retried without pause. @default always */
  readonly shouldConsumeRetry?: ((context: RetryContext) => boolean | Promise<boolean>) | undefined;
  /** Whole retries at most, the first attempt not included; Infinity: no bound. @default 10 */
  readonly retries?: number | undefined;
  /** What each pause is multiplied by; 0 is taken for 1. @default 2 */
  readonly factor?: number | undefined;
  /** The first pause in ms. @default 1_000 */
  readonly minTimeout?: number | undefined;
  /** No pause is longer, in ms. @default Infinity */
  readonly maxTimeout?: number | undefined;
  /** Whether pauses are multiplied by a number between 1 and 2. @default false */
  readonly randomize?: boolean | undefined;
  /** Time for all attempts and pauses, in ms. @default Infinity */
  readonly maxRetryTime?: number | undefined;
  /** Ends everything at once, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Whether a pause lets the process exit. @default false */
  readonly unref?: boolean | undefined;
}

/** Options with their defaults. */
export type PRetrySettings = {
  readonly [K in keyof Omit<Options, "signal">]-?: NonNullable<Options[K]>;
} & Pick<Options, "signal">;

const nothing = (): void => {};
const always = (): boolean => true;

/** The checked options. @throws INVALID_ARGUMENT one is out of range */
export function pRetrySettings(options: Options): PRetrySettings {
  if (typeof options !== "object" || options === null) {
    throw invalidArgument("options", options, "an object of options");
  }
  if (Object.hasOwn(options, "forever")) {
    throw invalidArgument("forever", "given", "left out; use retries: Infinity");
  }
  return {
    retries: Math.floor(bound("retries", options.retries ?? 10)),
    factor: nonNegative("factor", options.factor ?? 2) || 1,
    minTimeout: nonNegative("minTimeout", options.minTimeout ?? 1_000),
    maxTimeout: bound("maxTimeout", options.maxTimeout ?? Infinity),
    randomize: boolean("randomize", options.randomize ?? false),
    maxRetryTime: bound("maxRetryTime", options.maxRetryTime ?? Infinity),
    onFailedAttempt: callable("onFailedAttempt", options.onFailedAttempt ?? nothing),
    shouldRetry: callable("shouldRetry", options.shouldRetry ?? always),
    shouldConsumeRetry: callable("shouldConsumeRetry", options.shouldConsumeRetry ?? always),
    signal: options.signal,
    unref: boolean("unref", options.unref ?? false),
  };
}

/** The pause after `consumed` consumed retries; `random` is uniform in [0, 1). */
export function pRetryDelay(settings: PRetrySettings, consumed: number, random: number): Ms {
  const { minTimeout, factor, maxTimeout, randomize } = settings;
  if (minTimeout === 0) return 0; // Zero times a power that overflowed is not a number.
  const spread = randomize ? 1 + random : 1;
  return Math.min(Math.round(spread * minTimeout * factor ** consumed), maxTimeout);
}

function bound(option: string, value: number): number {
  return inRange(option, value, 0, Infinity);
}
