/**
 * Which ticks have come due since the last look: all of them, or the newest and a range before.
 *
 * After a long silence there may be millions. So the walk is bounded: what it cannot list it names
 * by its first and its last. Asks of a schedule only `next`; looking back is a search for the
 * latest instant whose next one is still before the end.
 */
import type { Ms } from "@quorate/core";
import type { Schedule } from "./schedule.ts";

/** How many ticks a look may list: a walk of some 20 ms. */
const MAX_WALK = 1_000;

/** Ticks in a row, too many or too old to be named one by one. */
export interface TickRange {
  readonly firstMs: Ms;
  readonly lastMs: Ms;
  /** How many; `undefined`: more than a thousand. */
  readonly count: number | undefined;
}

/** The ticks that are due. */
export interface DueTicks {
  /** The newest, in order. */
  readonly ticks: readonly Ms[];
  /** Those before them. */
  readonly before: TickRange | undefined;
}

/** The ticks in (`floorMs`, `nowMs`], the newest `keep` of them one by one. */
export function dueTicks(schedule: Schedule, floorMs: Ms, nowMs: Ms, keep: number): DueTicks {
  const walked: Ms[] = [];
  let tick = schedule.next(floorMs);
  const firstMs = tick;
  for (; tick !== undefined && tick <= nowMs; tick = schedule.next(tick)) {
    if (walked.length === MAX_WALK) {
      return newest(schedule, { floorMs, firstMs: firstMs ?? tick, nowMs, keep });
    }
    walked.push(tick);
  }
  const ticks = walked.slice(-keep);
  return { ticks, before: rangeOf(walked.slice(0, walked.length - ticks.length)) };
}

/** The last tick up to `nowMs`; `undefined`: there is none since 1970. */
export function latestTick(schedule: Schedule, nowMs: Ms): Ms | undefined {
  const tick = previous(schedule, { floorMs: 0, beforeMs: Math.floor(nowMs) + 1, gapMs: 1_000 });
  return tick <= nowMs ? tick : undefined;
}

/** `ticks` as a range; `undefined`: there are none. */
export function rangeOf(ticks: readonly Ms[]): TickRange | undefined {
  const firstMs = ticks[0];
  const lastMs = ticks.at(-1);
  if (firstMs === undefined || lastMs === undefined) return undefined;
  return { firstMs, lastMs, count: ticks.length };
}

interface Span {
  readonly floorMs: Ms;
  readonly firstMs: Ms;
  readonly nowMs: Ms;
  readonly keep: number;
}

/** Backwards from now: there are more than `keep` for certain. */
function newest(schedule: Schedule, { floorMs, firstMs, nowMs, keep }: Span): DueTicks {
  const ticks: Ms[] = [];
  let endMs = nowMs + 1;
  let gapMs = 1_000;
  while (ticks.length < keep) {
    const tick = previous(schedule, { floorMs, beforeMs: endMs, gapMs });
    if (ticks.length > 0) gapMs = endMs - tick;
    ticks.push(tick);
    endMs = tick;
  }
  const lastMs = previous(schedule, { floorMs, beforeMs: endMs, gapMs });
  return { ticks: ticks.toReversed(), before: { firstMs, lastMs, count: undefined } };
}

/** The last tick before `beforeMs`. There is one after `floorMs`. `gapMs`: a guess. */
function previous(
  schedule: Schedule,
  { floorMs, beforeMs, gapMs }: { floorMs: Ms; beforeMs: Ms; gapMs: Ms },
): Ms {
  const nextOf = (ms: Ms): Ms => schedule.next(ms) ?? Infinity;
  let lowMs = Math.max(floorMs, beforeMs - gapMs - 1);
  for (let stepMs = gapMs; lowMs > floorMs && nextOf(lowMs) >= beforeMs; stepMs *= 2) {
    lowMs = Math.max(floorMs, lowMs - stepMs);
  }
  let foundMs = nextOf(lowMs);
  let highMs = beforeMs; // From here on there is none before the end.
  while (nextOf(foundMs) < beforeMs) {
    const middleMs = Math.floor((foundMs + highMs) / 2);
    const tickMs = nextOf(middleMs);
    if (tickMs < beforeMs) foundMs = tickMs;
    else highMs = middleMs;
    if (middleMs <= foundMs && highMs - foundMs <= 1) break;
  }
  return foundMs;
}
