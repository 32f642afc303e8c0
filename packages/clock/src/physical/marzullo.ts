/**
 * Marzullo's algorithm: what several clocks agree on, though some are wrong.
 *
 * Each clock claims an interval that holds the true time. `marzullo` gives the smallest interval
 * that lies in as many of them as possible: the best guess, and an optimistic one, as a wrong clock
 * that overlaps the right ones narrows it to its own. `intervalOfAtLeast` gives the whole stretch
 * in which `atLeast` clocks may agree: wider, and true if that many of them are right.
 *
 * Guarantees: touching intervals intersect (in one point); of equally many, the smallest interval
 * wins, of equally small, the earliest; the order of the input plays no part. Does not guarantee:
 * truth where more clocks are wrong than was assumed.
 *
 * Marzullo, "Maintaining the Time in a Distributed System", PhD thesis, Stanford, 1984. The second
 * form is in RFC 5905, section 11.2.1, without its demand on midpoints.
 */
import { invalidArgument, type Ms, positiveInteger } from "@quorate/core";

/** From `lowMs` to `highMs`, both included. */
export interface Interval {
  readonly lowMs: Ms;
  readonly highMs: Ms;
}

/** What most agree on. */
export interface Agreement extends Interval {
  /** Of how many intervals it is a part. */
  readonly sources: number;
}

/** Most intervals of one question. */
const MAX_INTERVALS = 10_000;

interface Edge {
  readonly ms: Ms;
  /** 1: an interval begins here; -1: one ends. */
  readonly step: 1 | -1;
}

/**
 * The smallest interval that is part of the most intervals; `undefined` of none at all.
 *
 * @throws INVALID_ARGUMENT an end is not a finite number, or before its beginning; or there are
 * more than 10 000 intervals.
 *
 * @example
 * import { marzullo } from "@quorate/clock";
 * const agreement = marzullo([
 *   { lowMs: 8, highMs: 12 },
 *   { lowMs: 11, highMs: 13 },
 *   { lowMs: 14, highMs: 15 }, // wrong
 * ]);
 * console.log(agreement); // => { lowMs: 11, highMs: 12, sources: 2 }
 */
export function marzullo(intervals: readonly Interval[]): Agreement | undefined {
  const edges = edgesOf(intervals);
  let best: Agreement | undefined;
  let sources = 0;
  for (const [index, { ms, step }] of edges.entries()) {
    sources += step;
    const next = edges[index + 1];
    // After a beginning the next edge bounds a stretch that no other edge divides.
    if (step !== 1 || next === undefined) continue;
    const stretch = { lowMs: ms, highMs: next.ms, sources };
    if (best === undefined || isBetter(stretch, best)) best = stretch;
  }
  return best;
}

/**
 * From the first to the last point that lies in at least `atLeast` of the intervals; `undefined`
 * if none does. It holds the true time if at least that many intervals do. `sources` is the most
 * that any of its points lies in.
 *
 * @throws INVALID_ARGUMENT as `marzullo`, or `atLeast` is not an integer above zero.
 *
 * @example
 * import { intervalOfAtLeast } from "@quorate/clock";
 * const claims = [
 *   { lowMs: 0, highMs: 10 },
 *   { lowMs: 2, highMs: 12 },
 *   { lowMs: 9, highMs: 9.5 }, // wrong, and very sure of itself
 * ];
 * console.log(intervalOfAtLeast(claims, 2)); // => { lowMs: 2, highMs: 10, sources: 3 }
 */
export function intervalOfAtLeast(
  intervals: readonly Interval[],
  atLeast: number,
): Agreement | undefined {
  positiveInteger("atLeast", atLeast);
  let lowMs: Ms | undefined;
  let highMs = Number.NaN;
  let sources = 0;
  let most = 0;
  for (const { ms, step } of edgesOf(intervals)) {
    if (step === -1 && sources >= atLeast) highMs = ms;
    sources += step;
    if (sources >= atLeast) lowMs ??= ms;
    most = Math.max(most, sources);
  }
  return lowMs === undefined ? undefined : { lowMs, highMs, sources: most };
}

function isBetter(one: Agreement, other: Agreement): boolean {
  if (one.sources !== other.sources) return one.sources > other.sources;
  return one.highMs - one.lowMs < other.highMs - other.lowMs;
}

/** Sorted; where edges meet, beginnings come first, so that touching intervals intersect. */
function edgesOf(intervals: readonly Interval[]): Edge[] {
  if (!Array.isArray(intervals) || intervals.length > MAX_INTERVALS) {
    throw invalidArgument("intervals", intervals, `an array of at most ${MAX_INTERVALS}`);
  }
  const edges: Edge[] = [];
  for (const interval of intervals as readonly Interval[]) {
    const { lowMs, highMs } = interval;
    if (!Number.isFinite(lowMs) || !Number.isFinite(highMs) || lowMs > highMs) {
      throw invalidArgument(
        "intervals",
        `[${lowMs}, ${highMs}]`,
        "made of low <= high, both finite",
      );
    }
    edges.push({ ms: lowMs, step: 1 }, { ms: highMs, step: -1 });
  }
  return edges.sort((one, other) => one.ms - other.ms || other.step - one.step);
}
