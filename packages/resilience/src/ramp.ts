/**
 * Ramp: calls come back step by step.
 *
 * A dependency that has just come back has cold caches and a queue of its own. If a breaker closes
 * at once for all callers, it is pushed over again. So from a tenth on more and more calls are let
 * through, along a straight line.
 */
import type { Ms } from "@quorate/core";

const FIRST_SHARE = 0.1;

/** Share of calls to let through `elapsedMs` after the ramp began: 0.1 to 1. */
export function rampShare(elapsedMs: Ms, rampMs: Ms): number {
  if (elapsedMs >= rampMs) return 1;
  return FIRST_SHARE + (1 - FIRST_SHARE) * (Math.max(0, elapsedMs) / rampMs);
}
