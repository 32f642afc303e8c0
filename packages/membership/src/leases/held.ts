/**
 * A lease in the hand of its member, and when to renew it.
 *
 * It is renewed at a third of its TTL, less or more up to a tenth by lot, so that two more tries
 * fit in before its end; a try that failed is followed by the next after a twelfth. Sans-I/O.
 */
import type { FencingToken, Grant, LeaseWindow, Ms } from "@quorate/core";
import type { Standing } from "./standing.ts";

const PERIODS_PER_TTL = 3;
const TRIES_PER_TTL = 12;
const TRY_TIMEOUTS_PER_TTL = 6;
const MIN_SPACING_MS = 50;

/** A lease that is held, as far as its holder knows. */
export interface Held {
  readonly grant: Grant;
  /** The first token of this life. */
  readonly born: FencingToken;
  /** What it says. */
  readonly standing: Standing;
  /** Read the grant's own while it stands: an engine may move that on. */
  window: LeaseWindow;
  /** When to renew it, on the monotonic clock. */
  dueMs: Ms;
}

/** When a lease that was asked for at `sentMs`, for `ttlMs`, is due; `chance` in [0, 1). */
export function renewalDueMs(sentMs: Ms, ttlMs: Ms, chance: number): Ms {
  return sentMs + (ttlMs / PERIODS_PER_TTL) * (0.9 + 0.2 * chance);
}

/** When to try again after a try that failed at `nowMs`. */
export function retryDueMs(nowMs: Ms, ttlMs: Ms): Ms {
  return nowMs + Math.max(MIN_SPACING_MS, ttlMs / TRIES_PER_TTL);
}

/** How long one try to renew may take. */
export function renewalTimeoutMs(ttlMs: Ms): Ms {
  return ttlMs / TRY_TIMEOUTS_PER_TTL;
}
