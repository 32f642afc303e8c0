/**
 * The roster that was decoded last: messages of a group come from the same nodes again and again.
 *
 * A decoder that meets the ids that it met last takes them over instead of reading and checking
 * them anew, and the clocks that it makes share one roster, so that they compare at full speed.
 * This is the only state in the package outside of its values. It is a cache: a hit and a miss have
 * the same result, and it holds one roster of at most 256 ids.
 */
import type { NodeId } from "../node-id.ts";
import { DEFAULT_MAX_ENTRIES } from "./entries.ts";

/** Ids that are written as they are: what `encodeURIComponent` leaves alone. */
export const PLAIN_ID: RegExp = /^[\w.!~*'()-]+$/;

const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;

let recent: readonly NodeId[] = [];

/** The roster in store. Its ids are checked, ascending and plain. */
export function recentRoster(): readonly NodeId[] {
  return recent;
}

/** `ids`, or the equal roster in store. They must have been checked and be ascending. */
export function interned(ids: readonly NodeId[]): readonly NodeId[] {
  if (ids.length === recent.length && ids.every((id, index) => id === recent[index])) return recent;
  const worthKeeping = ids.length > 0 && ids.length <= DEFAULT_MAX_ENTRIES;
  if (worthKeeping && ids.every((id) => PLAIN_ID.test(id))) recent = ids;
  return ids;
}

/** The counts in `text`, if it is a well-formed encoding with just these plain ids. */
export function countsOfRoster(text: string, roster: readonly NodeId[]): number[] | undefined {
  if (roster.length === 0) return undefined;
  const counts: number[] = [];
  let at = 0;
  for (const id of roster) {
    if (at > 0 && text.charCodeAt(at++) !== COLON) return undefined;
    if (!text.startsWith(id, at)) return undefined;
    at += id.length;
    if (text.charCodeAt(at++) !== COLON) return undefined;
    const start = at;
    let count = 0;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code < ZERO || code > NINE) break;
      count = count * 10 + (code - ZERO);
    }
    // What is not canonical or too big is left to the slow path, which says what is wrong with it.
    const canonical = at > start && text.charCodeAt(start) !== ZERO && at - start <= 16;
    if (!canonical || !Number.isSafeInteger(count)) return undefined;
    counts.push(count);
  }
  return at === text.length ? counts : undefined;
}
