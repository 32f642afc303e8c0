/**
 * How long a holder may believe in its lease, on its own clocks.
 *
 * The store starts counting when the command arrives; the holder counts from *before* it left, so
 * its end comes first. A margin covers clocks that run at different rates. Both clocks are
 * watched: the monotonic one stands still while the machine sleeps, the wall clock does not; the
 * one on which more time passed is right to fear. A wall clock set forward then costs a lease too
 * early, never too late.
 */
import type { Time } from "./runtime/runtime.ts";
import type { Ms } from "./waist/common.ts";

/** Rate at which two honest clocks may drift apart; redlock's figure, far above real crystals. */
const DRIFT = 0.01;
const FLOOR_MS = 2;

/** The two clocks; a `Time`, or readings taken earlier. */
type Clocks = Pick<Time, "monotonicMs" | "wallMs">;

/** The end of a lease on the holder's two clocks. */
export interface LeaseWindow {
  /** On the holder's monotonic clock. */
  readonly validUntilMs: Ms;
  /** On the holder's wall clock; for noticing that the machine slept, nothing else. */
  readonly validUntilWallMs: Ms;
}

/** What a holder leaves off the end of `ttlMs`: 1 % and 2 ms. */
export function leaseMarginMs(ttlMs: Ms): Ms {
  return ttlMs * DRIFT + FLOOR_MS;
}

/** The window of a lease of `ttlMs` that is asked for now. Call it before the request leaves. */
export function leaseWindow(time: Clocks, ttlMs: Ms): LeaseWindow {
  const trustedMs = ttlMs - leaseMarginMs(ttlMs);
  return {
    validUntilMs: time.monotonicMs() + trustedMs,
    validUntilWallMs: time.wallMs() + trustedMs,
  };
}

/** Milliseconds left by the clock on which fewer are left; zero or less: lost. */
export function leaseLeftMs(time: Clocks, window: LeaseWindow): Ms {
  const byMonotonic = window.validUntilMs - time.monotonicMs();
  const byWall = window.validUntilWallMs - time.wallMs();
  return Math.min(byMonotonic, byWall);
}
