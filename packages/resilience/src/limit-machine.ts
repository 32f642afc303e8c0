/**
 * Limits that find themselves: what a limit algorithm is.
 *
 * By Little's law a server that is not overloaded has rate × latency calls in flight. More than
 * that only wait in its queues, and show as latency. So a limit may be found from outside by
 * watching the latency of calls, and whether they were refused. The three algorithms here are pure
 * machines, fed with one sample per ended call.
 *
 * They move once per window of samples, about as many as are in flight: what is changed shows
 * only when the calls begun after the change have ended, and a machine that moves with each sample
 * takes the same bad news a hundred times.
 */
import { invalidArgument, type Ms, positiveInteger } from "@quorate/core";

/** One call that has ended. */
export interface LimitSample {
  /** How long it ran. */
  readonly rttMs: Ms;
  /** Calls in flight when it began, itself among them. */
  readonly inFlight: number;
  /** It was refused, or not answered in time: a sign of overload, and its latency says nothing. */
  readonly dropped: boolean;
}

/** Where a limit starts, and what it never leaves. */
export interface LimitBounds {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

/** A limit that moves. */
export interface LimitMachine {
  /** Calls that may be in flight: an integer within the bounds. */
  readonly limit: number;
  /** Takes note of a call that has ended. Samples that make no sense are ignored. */
  sample(sample: LimitSample): void;
}

/** A way to find a limit. Has no state: `start` makes the machine. */
export interface LimitAlgorithm {
  readonly name: string;
  /** A new machine. */
  start(bounds: LimitBounds): LimitMachine;
}

/** `min <= initial <= max`, integers above zero. */
export function checkBounds({ initial, min, max }: LimitBounds): LimitBounds {
  positiveInteger("min", min);
  positiveInteger("max", max);
  if (max < min) throw invalidArgument("max", max, `an integer >= min, which is ${min}`);
  if (Number.isSafeInteger(initial) && initial >= min && initial <= max) {
    return { initial, min, max };
  }
  throw invalidArgument("initial", initial, `an integer from ${min} to ${max}`);
}

/** Beyond any call; sums of such numbers are still exact enough. */
const MOST = 1e12;

/** True for a sample that can have happened. */
export function isSane({ rttMs, inFlight }: LimitSample): boolean {
  return rttMs >= 0 && rttMs < MOST && inFlight >= 0 && inFlight < MOST;
}

/** `value` within the bounds. */
export function within({ min, max }: LimitBounds, value: number): number {
  return Math.min(max, Math.max(min, value));
}
