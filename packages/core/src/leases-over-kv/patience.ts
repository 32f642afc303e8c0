/**
 * When is it time to act on what one has seen? The judgement of one process about one record.
 *
 * Pure, but for the clock that is passed in. Whoever waits may act for all who wait; so that they
 * do not all act at once, each lets those ahead of it go first, `STAGGER_MS` for each place. A free
 * lease that is still there when one's own time has come was left lying by those ahead.
 */
import { leaseMarginMs } from "../lease-window.ts";
import type { FencingToken, Ms } from "../waist/common.ts";
import type { View } from "./line.ts";
import type { Claim, Holder, LeaseRecord, Waiter } from "./record.ts";
import type { Sightings } from "./sightings.ts";

/** How long each place in line lets those before it go first. */
const STAGGER_MS = 20;
const LONGEST_STAGGER_MS = 2_000;
/** How long a process may take to answer a roll call. */
const ANSWER_MS = 5_000;
/** How often those in line ask each other for a sign of life; more seldom in long lines. */
const ROLL_CALL_MS = 30_000;
const ROLL_CALL_PER_WAITER_MS = 250;

/** A lease that was granted through this process. */
export interface Held {
  readonly token: FencingToken;
  readonly beat: number;
  /** When its last sign of life left. */
  readonly sent: Moment;
}

/** What a process knows when it judges. */
export interface Watchman {
  readonly sightings: Sightings;
  /** What was granted through this process, by owner. */
  readonly held: ReadonlyMap<string, Held>;
  /** Whether a claim of this owner stands in line here. */
  isHere(owner: string): boolean;
  readonly claimWindowMs: Ms;
  readonly maxBytes: number;
  /** When this process last saw a roll call, or began to wait. */
  readonly rollCallSeenMs: Ms;
}

/** Readings of both clocks. */
export interface Moment {
  readonly monotonicMs: Ms;
  readonly wallMs: Ms;
}

/** How long others must have been silent before we act: what they owe, and our place in line. */
interface Turn {
  /** Our place in line among those whose turn it is; `undefined`: nobody stands here. */
  readonly place: number | undefined;
  readonly graceMs: Ms;
}

function turnOf(record: LeaseRecord, by: Watchman): Turn {
  let ahead = 0;
  for (const waiter of record.line.values()) {
    if (by.isHere(waiter.owner)) {
      return { place: ahead, graceMs: Math.min(LONGEST_STAGGER_MS, ahead * STAGGER_MS) };
    }
    if (!waiter.skipped) ahead += 1;
  }
  return { place: undefined, graceMs: 0 };
}

/**
 * The view for a step at `now`. `patient`: only what our place in line lets us act on; else, as
 * something is to be written anyway, whatever is true already.
 */
export function viewAt(record: LeaseRecord, by: Watchman, now: Moment, patient: boolean): View {
  const turn = turnOf(record, by);
  const dueMs = now.monotonicMs - (patient ? turn.graceMs : 0);
  const isDead = (holder: Holder): boolean => deadAtMs(holder, by, now) <= dueMs;
  const overdue = (holder: Holder): boolean =>
    deadAtMs(holder, by, now) + turn.graceMs <= now.monotonicMs;
  return {
    isHere: (claim) => by.isHere(claim.owner),
    isDead,
    isGhost: (waiter) => ghostAtMs(waiter, by, now) <= dueMs,
    overtake: (turn.place ?? 0) > 0 && [...record.holders.values()].some(overdue),
    rollCall: rollCallAtMs(record, by, turn) <= now.monotonicMs,
    maxBytes: by.maxBytes,
  };
}

/** When a step with a patient view may next come to something new; `Infinity`: never by itself. */
export function nextTurnMs(record: LeaseRecord, by: Watchman, now: Moment): Ms {
  const turn = turnOf(record, by);
  let nextMs = rollCallAtMs(record, by, turn);
  for (const holder of record.holders.values()) {
    nextMs = Math.min(nextMs, deadAtMs(holder, by, now) + turn.graceMs);
  }
  for (const waiter of record.line.values()) {
    nextMs = Math.min(nextMs, ghostAtMs(waiter, by, now) + turn.graceMs);
  }
  return nextMs;
}

/** When `holder` is past its time, on our monotonic clock. */
export function deadAtMs(holder: Holder, by: Watchman, now: Moment): Ms {
  const own = by.held.get(holder.owner);
  if (own?.token === holder.token && own.beat === holder.beat) {
    // What we granted ourselves ends by whichever clock says that more time has passed: the
    // machine may have slept. Its holder stops earlier, by the margin of its window.
    const passedMs = now.monotonicMs - own.sent.monotonicMs;
    const aheadMs = now.wallMs - own.sent.wallMs - passedMs;
    // Wall clocks tick in whole milliseconds and are slewed: what the margin covers is no sleep.
    const sleptMs = aheadMs > leaseMarginMs(passedMs) ? aheadMs : 0;
    return own.sent.monotonicMs + holder.ttlMs - sleptMs;
  }
  // Handed over to us: only a sign of life is missing, and we are about to give it.
  if (!holder.confirmed && by.isHere(holder.owner)) return Infinity;
  const allowedMs = holder.confirmed ? holder.ttlMs : Math.min(holder.ttlMs, by.claimWindowMs);
  return by.sightings.beatSinceMs(holder, now.monotonicMs) + allowedMs;
}

function ghostAtMs(waiter: Waiter, by: Watchman, now: Moment): Ms {
  if (waiter.asked === 0 || by.isHere(waiter.owner)) return Infinity;
  return by.sightings.askedSinceMs(waiter, now.monotonicMs) + ANSWER_MS;
}

function rollCallAtMs(record: LeaseRecord, by: Watchman, turn: Turn): Ms {
  const owing = (waiter: Claim & Partial<Waiter>): boolean =>
    waiter.asked === 0 && !by.isHere(waiter.owner);
  if (turn.place === undefined || ![...record.line.values()].some(owing)) return Infinity;
  const everyMs = Math.max(ROLL_CALL_MS, record.line.size * ROLL_CALL_PER_WAITER_MS);
  return by.rollCallSeenMs + everyMs + turn.place * 1_000;
}
