/**
 * A moment: all that the fleet's machine knows of the world outside, handed to it at each step.
 */
import type { LeaseWindow, Ms } from "@quorate/core";

import type { Evidence } from "./evidence.ts";

/** The two clocks, a lot that was drawn, and what this instance saw until now. */
export interface Moment {
  /** On the monotonic clock. */
  readonly nowMs: Ms;
  readonly wallMs: Ms;
  /** Uniform in [0, 1). */
  readonly chance: number;
  readonly own: Evidence;
}

/** Time left of a lease, by the clock on which more time passed; zero or less: it may be over. */
export function leaseLeft(window: LeaseWindow, { nowMs, wallMs }: Moment): Ms {
  return Math.min(window.validUntilMs - nowMs, window.validUntilWallMs - wallMs);
}
