/**
 * Asking for what is missing: whom, when, and when to say that it is lost.
 *
 * Asking goes in rounds: the origin first and at once, then each of the others. Who answers that it
 * has nothing makes way for the next. If all have said so, the user is told that the messages are
 * lost; if some did not answer, after a while that it stalls. Either way the next round begins,
 * later: a member that had nothing may have it by then.
 */
import type { MemberId } from "../member.ts";
import type { StreamEffect } from "./effects.ts";
import type { CheckedStreamOptions } from "./options.ts";
import type { Gap, Stream } from "./stream.ts";

/** Where a member stands among others. */
export interface Place extends CheckedStreamOptions {
  readonly self: MemberId;
  /** Others in the view. */
  readonly others: readonly MemberId[];
}

/** Requests without an answer before the user is told. */
const STALLED_ATTEMPTS = 8;

/** Asks for the first hole of `stream`, if there is one and it is time. */
export function ask(stream: Stream, place: Place, nowMs: number): StreamEffect[] {
  const first = stream.firstMissing;
  if (first > stream.known) {
    stream.gap = undefined;
    return [];
  }
  const gap = gapAt(stream, first, nowMs, place);
  if (gap.askAtMs > nowMs) return [];
  const last = stream.lastMissing(place.batchMax);
  const { member: origin } = stream;
  const effects: StreamEffect[] = [];
  const candidates = candidatesFor(stream, place);
  const to = candidates.find((member) => !gap.asked.has(member));
  if (to === undefined) {
    if (candidates.every((member) => gap.gone.has(member)) && !gap.lostTold) {
      gap.lostTold = true;
      effects.push({
        kind: "lost",
        member: origin,
        first,
        last: Math.min(last, ...gap.gone.values()),
      });
    }
    gap.rounds += 1;
    gap.asked.clear();
    gap.gone.clear();
  } else {
    gap.attempts += 1;
    gap.asked.add(to);
    gap.askedThrough = last;
    const frame = { kind: "request", from: place.self, origin, first, last } as const;
    effects.push({ kind: "send", to, frame });
  }
  gap.askAtMs = nowMs + Math.min(place.retryMs * 2 ** Math.min(gap.rounds, 30), place.maxRetryMs);
  if (gap.attempts >= STALLED_ATTEMPTS && !gap.stalledTold && !gap.lostTold) {
    gap.stalledTold = true;
    effects.push({ kind: "stalled", member: origin, first, last, attempts: gap.attempts });
  }
  return effects;
}

/** `from` has nothing of `first` to `last`: the next one is asked at once. */
export function heardGone(
  gap: Gap,
  answer: { readonly from: MemberId; readonly first: number; readonly last: number },
  nowMs: number,
): void {
  if (gap.first < answer.first || gap.first > answer.last) return;
  gap.gone.set(answer.from, answer.last);
  gap.askAtMs = nowMs;
}

/** The gap that begins with `first`: the known one, the rest of one, or a new one. */
function gapAt(stream: Stream, first: number, nowMs: number, place: Place): Gap {
  const known = stream.gap;
  if (known?.first === first) return known;
  // What was asked for is on its way: the rest of it is not asked for again at once.
  const isUnderway = known !== undefined && first <= known.askedThrough;
  const gap: Gap = {
    first,
    askedThrough: isUnderway ? known.askedThrough : 0,
    attempts: 0,
    rounds: 0,
    asked: new Set(),
    askAtMs: isUnderway ? nowMs + place.retryMs : nowMs,
    gone: new Map(),
    lostTold: false,
    stalledTold: false,
  };
  stream.gap = gap;
  return gap;
}

function candidatesFor(stream: Stream, { others }: Place): readonly MemberId[] {
  const { member } = stream;
  if (stream.departed || !others.includes(member)) return others;
  return [member, ...others.filter((other) => other !== member)];
}
